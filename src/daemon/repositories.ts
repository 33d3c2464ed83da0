import { randomUUID } from 'node:crypto';
import { mkdir, realpath, rm } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { RepositoryReference, Restore } from '../platform/protocol.ts';
import { importBundle, restoreBundle } from './git/bundle.ts';
import { InvalidBundleError, RepositoryNotFoundError } from './git/errors.ts';
import { type Mirror, openMirror, type RepositorySource } from './git/mirror.ts';
import { pathOfUrl, urlOfPath } from './git/names.ts';
import { fetchedRef, holdsCommit } from './git/objects.ts';

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

/** The repositories that this daemon may use, and what it takes into its mirrors of them. */
export class Repositories {
  readonly #mirrorsDir: string;
  readonly #bundlesDir: string;
  readonly #localPaths: readonly string[];
  readonly #download: CheckpointDownload;

  constructor(options: {
    mirrorsDir: string;
    /** Where a checkpoint's data lies while it is taken in. */
    bundlesDir: string;
    localPaths: readonly string[];
    download: CheckpointDownload;
  }) {
    this.#mirrorsDir = options.mirrorsDir;
    this.#bundlesDir = options.bundlesDir;
    this.#localPaths = options.localPaths;
    this.#download = options.download;
  }

  /** The mirror of a repository, up to date. @throws PathNotAllowedError, and the errors of openMirror */
  async open(repository: RepositoryReference, signal: AbortSignal): Promise<Mirror> {
    return openMirror({ mirrorsDir: this.#mirrorsDir, source: await this.#source(repository), signal });
  }

  /**
   * The mirror of a repository with a checkpoint's commit in it. The origin is asked only when that is not here yet.
   * @throws PathNotAllowedError, InvalidBundleError, and the errors of openMirror
   */
  async openAt(repository: RepositoryReference, checkpoint: Restore, signal: AbortSignal): Promise<Mirror> {
    const source = await this.#source(repository);
    const known = await openMirror({ mirrorsDir: this.#mirrorsDir, source, fetch: false, signal });
    if (await holdsCommit(known, checkpoint.commitSha)) return known;
    const mirror = await openMirror({ mirrorsDir: this.#mirrorsDir, source, signal });
    await this.bring(mirror, checkpoint, signal);
    return mirror;
  }

  /** Brings a checkpoint's commit into the mirror. @throws InvalidBundleError */
  async bring(mirror: Mirror, checkpoint: Restore, signal: AbortSignal): Promise<void> {
    const ref = fetchedRef(checkpoint.checkpointId, new Date());
    await this.#withData(mirror, checkpoint, (bundle) => importBundle({ ...bundle, ref, signal }));
  }

  /** As `bring`, and makes it base and last snapshot of a working copy. @throws InvalidBundleError */
  async restore(mirror: Mirror, worktreeId: string, checkpoint: Restore, signal: AbortSignal): Promise<void> {
    await this.#withData(mirror, checkpoint, (bundle) => restoreBundle({ ...bundle, worktreeId, signal }));
  }

  /**
   * The real path of a directory of this machine, when this daemon may use it.
   * @throws PathNotAllowedError; RepositoryNotFoundError where it may look and there is none
   */
  async allowedPath(path: string): Promise<string> {
    const real = await realpath(path).catch(() => null);
    const allowed = await Promise.all(this.#localPaths.map((root) => realpath(root).catch(() => null)));
    // Whether a path that is not allowed exists is nobody's business.
    const isInside = allowed.some(
      (root) => real !== null && root !== null && (real === root || real.startsWith(withSlash(root))),
    );
    if (real !== null && isInside) return real;
    if (real === null && this.#localPaths.some((root) => path.startsWith(withSlash(root))))
      throw new RepositoryNotFoundError(path, 'no such directory');
    throw new PathNotAllowedError(path, this.#localPaths);
  }

  /** Also a URL may name a directory of this machine, and then only one that this daemon may use. */
  async #source({ url, localPath }: RepositoryReference): Promise<RepositorySource> {
    if (localPath !== null) return { localPath: await this.allowedPath(localPath) };
    const path = pathOfUrl(url ?? '');
    return { url: path === null ? (url ?? '') : urlOfPath(await this.allowedPath(path)) };
  }

  /** Fetches the data when it is needed: what the mirror has already, nobody is asked for. */
  async #withData(
    mirror: Mirror,
    { checkpointId, commitSha: commit, baseSha: base, parts }: Restore,
    take: (bundle: { mirror: Mirror; commit: string; base: string; file: string }) => Promise<void>,
  ): Promise<void> {
    const file = join(this.#bundlesDir, `${randomUUID()}.bundle`);
    try {
      if (!(await holdsCommit(mirror, commit)) || !(await holdsCommit(mirror, base))) {
        if (parts === 0)
          throw new InvalidBundleError(commit, 'there is none, and the repository does not have the commit');
        await mkdir(this.#bundlesDir, { recursive: true, mode: 0o700 });
        await this.#download(checkpointId, parts, file);
      }
      await take({ mirror, commit, base, file });
    } finally {
      await rm(file, { force: true });
    }
  }
}

function withSlash(path: string): string {
  return path.endsWith(sep) ? path : path + sep;
}
