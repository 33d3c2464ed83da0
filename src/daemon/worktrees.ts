import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { type RepositoryReference, repositorySchema, type SpawnTaskPayload } from '../platform/protocol.ts';
import { copyFiles, type Note } from './copy-files.ts';
import { writeJson } from './files.ts';
import { RepositoryNotFoundError, RevisionNotFoundError, WorkingCopyGoneError } from './git/errors.ts';
import { exclusively } from './git/locks.ts';
import type { Mirror, RepositorySource } from './git/mirror.ts';
import { pathOfUrl, urlOfPath, worktreeKey } from './git/names.ts';
import { holdsCommit, recordedRef, setRef } from './git/objects.ts';
import type { GitUser } from './git/user.ts';
import {
  createWorkingCopy,
  findWorkingCopy,
  type WorkingCopy,
  type WorkingCopyStart,
} from './git/working-copy.ts';
import type { Repositories } from './repositories.ts';

const uploadSchema = z.object({
  uploadId: z.string(),
  commitSha: z.string(),
  parts: z.number().int(),
  bytes: z.number().int(),
});
export type Upload = z.infer<typeof uploadSchema>;

const savedSchema = z.object({ id: z.string(), commitSha: z.string() });

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
  checkpoint: savedSchema.nullable(),
  /** The checkpoint that was being sent last, until it is known to be recorded. */
  upload: uploadSchema.nullable().default(null),
  /** The commit at which this daemon last published the copy's branch to its repository. */
  published: z.string().nullable().default(null),
  /** The last rewinding that was begun: its command, and the checkpoint of the state before. */
  rewind: z.object({ commandId: z.string(), before: savedSchema }).nullable().default(null),
});
export type WorktreeRecord = z.infer<typeof worktreeRecordSchema>;

/** A working copy of this daemon, with all that is needed to work on it without asking the origin. */
export interface Worktree {
  readonly record: WorktreeRecord;
  readonly mirror: Mirror;
  readonly copy: WorkingCopy;
}

type WorktreeSpec = NonNullable<SpawnTaskPayload['worktree']>;

/** The working copies under `<dataDir>/worktrees/<worktreeId>/`, each with a `worktree.json` beside it. */
export class Worktrees {
  /** Whose they are; undefined: the daemon's own user's. */
  readonly user: GitUser | undefined;
  readonly #dir: string;
  readonly #repositories: Repositories;

  constructor(options: { dir: string; repositories: Repositories; user?: GitUser | undefined }) {
    this.user = options.user;
    this.#dir = options.dir;
    this.#repositories = options.repositories;
  }

  /**
   * Makes the working copy of its own that a task is to have; the same again finds it.
   * @param note told what a person should know although it is no failure
   * @throws RevisionNotFoundError when the commit to start from is not there; PathNotAllowedError, InvalidBundleError,
   * and the errors of openMirror and createWorkingCopy
   */
  async create(payload: SpawnTaskPayload, signal: AbortSignal, note: Note): Promise<Worktree> {
    const { worktree: spec, repository } = payload;
    if (spec === null || repository === null)
      throw new RepositoryNotFoundError('of the task', 'none was given');
    const found = await this.find(spec.id);
    if (found) return found;
    const mirror = await this.#repositories.open(repository, signal);
    const start = await this.#start(mirror, spec, signal);
    const { restore } = spec;
    const copy = await createWorkingCopy({
      mirror,
      worktreeId: spec.id,
      path: join(this.#dir, worktreeKey(spec.id), directoryName(repository)),
      branch: spec.branch,
      start,
      base: restore?.baseSha,
      user: this.user,
      signal,
    });
    const checkout = 'localPath' in mirror.source ? mirror.source.localPath : null;
    if (spec.copyFiles) {
      const { paths, worktreeId } = spec.copyFiles;
      const supervised = worktreeId === null ? null : await this.find(worktreeId);
      await copyFiles({
        mirror,
        copy,
        paths,
        checkout,
        other: supervised?.copy.path,
        note,
        signal,
      });
    }
    const checkpoint = restore && { id: restore.checkpointId, commitSha: restore.commitSha };
    if (checkpoint) await setRef(mirror, recordedRef(spec.id, checkpoint.id), checkpoint.commitSha);
    const record: WorktreeRecord = {
      worktreeId: spec.id,
      contractId: payload.contractId,
      repository,
      realPath: checkout ?? ('url' in mirror.source ? pathOfUrl(mirror.source.url) : null),
      mirrorDir: mirror.dir,
      defaultBranch: mirror.defaultBranch,
      baseBranch: spec.baseBranch ?? mirror.defaultBranch,
      checkpoint,
      upload: null,
      published: null,
      rewind: null,
    };
    await writeJson(this.#recordFile(spec.id), record);
    return { record, mirror, copy };
  }

  /** Where the copy starts, with that in the mirror. What continues a copy wins over where that one began. */
  async #start(mirror: Mirror, spec: WorktreeSpec, signal: AbortSignal): Promise<WorkingCopyStart> {
    const { restore, start, startCommit } = spec;
    if (restore) {
      await this.#repositories.restore(mirror, spec.id, restore, signal);
      return { commit: restore.commitSha };
    }
    if (start) {
      await this.#repositories.bring(mirror, start, signal);
      return { commit: start.commitSha };
    }
    if (startCommit !== null) {
      if (!(await holdsCommit(mirror, startCommit))) throw new RevisionNotFoundError(`commit ${startCommit}`);
      return { commit: startCommit };
    }
    return { branch: spec.baseBranch ?? undefined, worktreeId: spec.baseWorktreeId ?? undefined };
  }

  /** Null when this daemon has no such working copy. */
  async find(worktreeId: string): Promise<Worktree | null> {
    const record = await this.record(worktreeId);
    if (record === null) return null;
    const mirror = mirrorOf(record);
    const copy = await findWorkingCopy(mirror, worktreeId);
    return copy && { record, mirror, copy: { ...copy, user: this.user } };
  }

  /** @throws WorkingCopyGoneError when this daemon does not have it */
  async get(worktreeId: string): Promise<Worktree> {
    const found = await this.find(worktreeId);
    if (found) return found;
    throw new WorkingCopyGoneError(join(this.#dir, worktreeId));
  }

  /** What is known of a working copy, also when its directory is gone; null when nothing is. */
  async record(worktreeId: string): Promise<WorktreeRecord | null> {
    const text = await readFile(this.#recordFile(worktreeId), 'utf8').catch(() => null);
    return text === null ? null : worktreeRecordSchema.parse(JSON.parse(text));
  }

  /** The ids of all that have, or had, a directory here. */
  async ids(): Promise<string[]> {
    const names = await readdir(this.#dir).catch(() => []);
    return names.filter((name) => /^[A-Za-z0-9][\w-]*$/.test(name)).sort();
  }

  /** Where a working copy's directory, and what we know of it, lie. */
  directoryOf(worktreeId: string): string {
    return join(this.#dir, worktreeKey(worktreeId));
  }

  /** Remembers which checkpoint the server has. */
  async recorded({ record, mirror }: Worktree, checkpoint: { id: string; commitSha: string }): Promise<void> {
    await setRef(mirror, recordedRef(record.worktreeId, checkpoint.id), checkpoint.commitSha);
    await this.remember(record.worktreeId, { checkpoint, upload: null });
  }

  /** Changes what is known of a working copy. */
  async remember(
    worktreeId: string,
    change: Partial<Pick<WorktreeRecord, 'checkpoint' | 'upload' | 'published' | 'rewind'>>,
  ): Promise<void> {
    const file = this.#recordFile(worktreeId);
    await exclusively(`record ${file}`, async () => {
      const record = await this.record(worktreeId);
      if (record) await writeJson(file, { ...record, ...change });
    });
  }

  #recordFile(worktreeId: string): string {
    return join(this.directoryOf(worktreeId), 'worktree.json');
  }
}

/** The mirror that a copy borrows from. Without a look at the origin: a copy can be saved also when that is gone. */
export function mirrorOf(record: WorktreeRecord): Mirror {
  const { realPath, repository, mirrorDir, defaultBranch } = record;
  return { dir: mirrorDir, source: sourceOf(repository, realPath), defaultBranch };
}

function sourceOf({ url, localPath }: RepositoryReference, realPath: string | null): RepositorySource {
  if (realPath === null) return { url: url ?? '' };
  return localPath === null ? { url: urlOfPath(realPath) } : { localPath: realPath };
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
