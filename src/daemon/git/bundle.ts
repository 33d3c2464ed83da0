import { createReadStream } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GitError, InvalidBundleError, RevisionNotFoundError } from './errors.ts';
import { together } from './locks.ts';
import type { Mirror } from './mirror.ts';
import { absolutePath, names, objectId, refName, worktreeKey } from './names.ts';
import { hasObject, importPack, isAncestor, setRef, worktreeRefs } from './objects.ts';
import { git } from './run.ts';

export interface BundleOptions {
  mirror: Mirror;
  worktreeId: string;
  commit: string;
  /** The commit that the working copy started from. The other machine has it when the repository has. */
  base: string;
  /** Absolute path; its directory is made. */
  file: string;
  signal?: AbortSignal | undefined;
}

const MAX_HEADER_BYTES = 64 * 1024;

/**
 * Writes what a machine that has only the base needs for a commit, with the same ids. A base that no branch of the
 * repository holds (a supervisor's branch that was never published) comes along, on top of what the branches hold.
 * @returns bytes written; 0, and no file, when the base already holds the commit
 */
export async function writeBundle(options: BundleOptions): Promise<{ bytes: number }> {
  const { mirror, signal } = options;
  const commit = objectId(options.commit);
  const base = objectId(options.base, 'base');
  const file = absolutePath(options.file, 'file');
  return together(mirror.dir, async () => {
    for (const id of [commit, base])
      if (!(await hasObject(mirror, id, 'commit'))) throw new RevisionNotFoundError(id);
    await rm(file, { force: true });
    if (await isAncestor(mirror.dir, commit, base)) return { bytes: 0 };
    await mkdir(dirname(file), { recursive: true });
    // A bundle is of refs, so the commit gets one while it is written. By the copy, not by the commit: two copies in which
    // the same was done within a second have the same commit, and the first to be ready would take the other's away.
    const carrier = refName(`refs/taskmesh/bundle/${worktreeKey(options.worktreeId)}`);
    await setRef(mirror, carrier, commit);
    try {
      const without = (await isPublished(mirror, base)) ? [`^${base}`] : ['--not', '--branches'];
      await git(['bundle', 'create', '--quiet', file, carrier, ...without], { gitDir: mirror.dir, signal });
    } finally {
      await git(['update-ref', '-d', ...names(carrier)], { gitDir: mirror.dir });
    }
    return { bytes: (await stat(file)).size };
  });
}

/**
 * Brings a commit back from a bundle, and makes it the last snapshot of the working copy. The data is checked as an
 * agent's commits are: ids computed anew, nothing missing, no evil tree.
 * @param options.maxBytes most bytes taken in, default 1 GiB
 * @throws InvalidBundleError when it is something else, damaged, or needs a commit that is not here; no ref was set
 */
export async function restoreBundle(
  options: BundleOptions & { maxBytes?: number | undefined },
): Promise<void> {
  const { mirror, signal } = options;
  const commit = objectId(options.commit);
  const refs = worktreeRefs(options.worktreeId);
  const base = objectId(options.base, 'base');
  await together(mirror.dir, async () => {
    const known = (await hasObject(mirror, commit, 'commit')) && (await isComplete(mirror, commit));
    if (!known) {
      const file = absolutePath(options.file, 'file');
      const start = await checkHeader(mirror, file, commit);
      try {
        await importPack(mirror, createReadStream(file, { start }), [commit], {
          maxBytes: options.maxBytes,
          signal,
        });
      } catch (error) {
        if (error instanceof GitError)
          throw new InvalidBundleError(commit, `damaged: ${error.stderr.trim()}`);
        throw error;
      }
    }
    if (!(await hasObject(mirror, base, 'commit')))
      throw new InvalidBundleError(commit, `its base ${base} is not here`);
    await setRef(mirror, refs.base, base);
    await setRef(mirror, refs.snapshot, commit);
  });
}

/** Whether a branch of the repository holds the commit, as of the last fetch. */
async function isPublished(mirror: Mirror, commit: string): Promise<boolean> {
  const args = ['for-each-ref', '--count=1', `--contains=${objectId(commit)}`, 'refs/heads'];
  return (await git(args, { gitDir: mirror.dir })).stdout.trim() !== '';
}

async function isComplete(mirror: Mirror, commit: string): Promise<boolean> {
  const args = ['rev-list', '--objects', '--quiet', objectId(commit), '--not', '--all'];
  return (await git(args, { gitDir: mirror.dir, okCodes: [0, 1, 128] })).code === 0;
}

/** Reads `# v2 git bundle`, `-id` prerequisites and `id ref` tips up to the empty line. @returns where the pack starts */
async function checkHeader(mirror: Mirror, file: string, commit: string): Promise<number> {
  const refuse = (reason: string) => new InvalidBundleError(commit, reason);
  const handle = await open(file, 'r').catch(() => {
    throw refuse('there is no such file');
  });
  let header: Buffer;
  try {
    if (!(await handle.stat()).isFile()) throw refuse('is not a file');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_HEADER_BYTES), 0, MAX_HEADER_BYTES, 0);
    header = buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
  const end = header.indexOf('\n\n');
  if (end < 0) throw refuse('not a bundle');
  const [signature, ...lines] = header.subarray(0, end).toString('utf8').split('\n');
  if (signature !== '# v2 git bundle') throw refuse('not a bundle of version 2');
  const needed = lines
    .filter((line) => line.startsWith('-'))
    .map((line) => line.slice(1).split(' ')[0] ?? '');
  const tips = lines.filter((line) => !line.startsWith('-')).map((line) => line.split(' ')[0] ?? '');
  if (tips.length !== 1 || tips[0] !== commit) throw refuse('holds another commit');
  for (const id of needed) {
    const here = /^[0-9a-f]{40}$/.test(id) && (await hasObject(mirror, id, 'commit'));
    if (!here) throw refuse(`needs ${id}, which is not here`);
  }
  return end + 2;
}
