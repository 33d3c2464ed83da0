import { mkdir, readFile, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { z } from 'zod';
import {
  type RepositoryReference,
  type Restore,
  repositorySchema,
  type SpawnTaskPayload,
} from '../platform/protocol.ts';
import { writeJson } from './files.ts';
import { restoreBundle } from './git/bundle.ts';
import { RepositoryNotFoundError, WorkingCopyBrokenError } from './git/errors.ts';
import { type Mirror, openMirror, type RepositorySource } from './git/mirror.ts';
import { worktreeKey } from './git/names.ts';
import { createWorkingCopy, findWorkingCopy, type WorkingCopy } from './git/working-copy.ts';

const worktreeRecordSchema = z.object({
  worktreeId: z.string(),
  contractId: z.string(),
  repository: repositorySchema,
  /** The real path of a repository of this machine, as it was when it was found to be allowed. */
  realPath: z.string().nullable(),
  mirrorDir: z.string(),
  defaultBranch: z.string(),
  baseBranch: z.string(),
  /** The last checkpoint that the server has recorded. */
  checkpoint: z.object({ id: z.string(), commitSha: z.string() }).nullable(),
});
type WorktreeRecord = z.infer<typeof worktreeRecordSchema>;

/** A working copy of this daemon, with all that is needed to work on it without asking the origin. */
export interface Worktree {
  readonly record: WorktreeRecord;
  readonly mirror: Mirror;
  readonly copy: WorkingCopy;
}

/** The repository's path is not among those that this daemon was allowed to touch. */
export class PathNotAllowedError extends Error {
  override readonly name = 'PathNotAllowedError';
  readonly code = 'FORBIDDEN_PATH';
  readonly path: string;

  constructor(path: string, allowed: readonly string[]) {
    const list = allowed.length === 0 ? 'none' : allowed.join(', ');
    super(
      `The daemon may not use the repository ${path}: allowed are ${list}. Start it with --local-path for this one.`,
    );
    this.path = path;
  }
}

/** Writes a checkpoint's data, in as many parts as it has, to a file. */
export type CheckpointDownload = (checkpointId: string, parts: number, file: string) => Promise<void>;

/** The working copies under `<dataDir>/worktrees/<worktreeId>/`, each with a `worktree.json` beside it. */
export class Worktrees {
  readonly #dir: string;
  readonly #mirrorsDir: string;
  readonly #localPaths: readonly string[];
  readonly #download: CheckpointDownload;

  constructor(options: {
    dir: string;
    mirrorsDir: string;
    localPaths: readonly string[];
    download: CheckpointDownload;
  }) {
    this.#download = options.download;
    this.#dir = options.dir;
    this.#mirrorsDir = options.mirrorsDir;
    this.#localPaths = options.localPaths;
  }

  /**
   * Makes the working copy of its own that a task is to have; the same again finds it.
   * @throws PathNotAllowedError, and the errors of openMirror and createWorkingCopy
   */
  async create(payload: SpawnTaskPayload, signal: AbortSignal): Promise<Worktree> {
    const { worktree: spec, repository } = payload;
    if (spec === null || repository === null)
      throw new RepositoryNotFoundError('of the task', 'none was given');
    const found = await this.find(spec.id);
    if (found) return found;
    const source = await this.#source(repository);
    const mirror = await openMirror({ mirrorsDir: this.#mirrorsDir, source, signal });
    const { restore } = spec;
    if (restore) await this.#restore(mirror, spec.id, restore, signal);
    const copy = await createWorkingCopy({
      mirror,
      worktreeId: spec.id,
      path: join(this.#dir, worktreeKey(spec.id), directoryName(repository)),
      branch: spec.branch,
      start: restore
        ? { commit: restore.commitSha }
        : { branch: spec.baseBranch ?? undefined, worktreeId: spec.baseWorktreeId ?? undefined },
      base: restore?.baseSha,
      signal,
    });
    const record: WorktreeRecord = {
      worktreeId: spec.id,
      contractId: payload.contractId,
      repository,
      realPath: 'localPath' in source ? source.localPath : null,
      mirrorDir: mirror.dir,
      defaultBranch: mirror.defaultBranch,
      baseBranch: spec.baseBranch ?? mirror.defaultBranch,
      checkpoint: restore && { id: restore.checkpointId, commitSha: restore.commitSha },
    };
    await writeJson(this.#recordFile(spec.id), record);
    return { record, mirror, copy };
  }

  /** Brings a checkpoint's commits into the mirror; when the repository itself has them there is no data. */
  async #restore(mirror: Mirror, worktreeId: string, restore: Restore, signal: AbortSignal): Promise<void> {
    const file = join(this.#dir, worktreeKey(worktreeId), 'checkpoint.bundle');
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    try {
      await this.#download(restore.checkpointId, restore.parts, file);
      const { commitSha: commit, baseSha: base } = restore;
      await restoreBundle({ mirror, worktreeId, commit, base, file, signal });
    } finally {
      await rm(file, { force: true });
    }
  }

  /** Null when this daemon has no such working copy. */
  async find(worktreeId: string): Promise<Worktree | null> {
    const text = await readFile(this.#recordFile(worktreeId), 'utf8').catch(() => null);
    if (text === null) return null;
    const record = worktreeRecordSchema.parse(JSON.parse(text));
    // Without a look at the origin: a copy can be saved also when its repository is gone.
    const source =
      record.realPath === null ? { url: record.repository.url ?? '' } : { localPath: record.realPath };
    const mirror: Mirror = { dir: record.mirrorDir, source, defaultBranch: record.defaultBranch };
    const copy = await findWorkingCopy(mirror, worktreeId);
    return copy && { record, mirror, copy };
  }

  /** @throws WorkingCopyBrokenError when this daemon does not have it */
  async get(worktreeId: string): Promise<Worktree> {
    const found = await this.find(worktreeId);
    if (found) return found;
    throw new WorkingCopyBrokenError(
      join(this.#dir, worktreeId),
      'it is not on this daemon, or its directory was removed',
    );
  }

  /** Remembers which checkpoint the server has. */
  async recorded(worktree: Worktree, checkpoint: { id: string; commitSha: string }): Promise<void> {
    await writeJson(this.#recordFile(worktree.record.worktreeId), { ...worktree.record, checkpoint });
  }

  async #source(repository: RepositoryReference): Promise<RepositorySource> {
    if (repository.localPath === null) return { url: repository.url ?? '' };
    const path = await realpath(repository.localPath).catch(() => null);
    const allowed = await Promise.all(this.#localPaths.map((allowed) => realpath(allowed).catch(() => null)));
    // Whether a path that is not allowed exists is nobody's business.
    const isInside = allowed.some(
      (root) => path !== null && root !== null && (path === root || path.startsWith(withSlash(root))),
    );
    if (path !== null && isInside) return { localPath: path };
    if (path === null && this.#localPaths.some((root) => repository.localPath?.startsWith(withSlash(root)))) {
      throw new RepositoryNotFoundError(repository.localPath, 'no such directory');
    }
    throw new PathNotAllowedError(repository.localPath, this.#localPaths);
  }

  #recordFile(worktreeId: string): string {
    return join(this.#dir, worktreeKey(worktreeId), 'worktree.json');
  }
}

function withSlash(path: string): string {
  return path.endsWith(sep) ? path : path + sep;
}

/** What the agent sees its directory called: the repository's own name. */
function directoryName(repository: RepositoryReference): string {
  const name = basename((repository.localPath ?? repository.url ?? '').replace(/\/+$/, '')).replace(
    /\.git$/,
    '',
  );
  const safe = name
    .replace(/[^\w.-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 80);
  // Next to it lies our own record.
  return safe === '' || safe === 'worktree.json' ? 'repository' : safe;
}
