import { createReadStream } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GitError, InvalidBundleError, RevisionNotFoundError } from './errors.ts';
import { together } from './locks.ts';
import type { Mirror } from './mirror.ts';
import { absolutePath, type Name, objectId, refName, worktreeKey } from './names.ts';
import {
  dropRefs,
  hasObject,
  holdsCommit,
  importPack,
  isAncestor,
  setRef,
  setRefs,
  worktreeRefs,
} from './objects.ts';
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
 * @returns bytes written; 0, and no file, when the repository itself has the commit
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
    const hasBase = await isPublished(mirror, base);
    const tips = await toCarry(mirror, commit, base, hasBase);
    if (tips.length === 0) return { bytes: 0 };
    await mkdir(dirname(file), { recursive: true });
    const without = hasBase ? [`^${base}`] : ['--not', '--branches'];
    // A bundle is of refs, so these commits get one each while it is written. By the copy as well: two copies in which the
    // same was done within a second have the same commit, and the first to be ready would take the other's away.
    const prefix = `refs/taskmesh/bundle/${worktreeKey(options.worktreeId)}`;
    const carriers = tips.map((tip) => refName(`${prefix}/${tip}`));
    await setRefs(
      mirror,
      tips.map((commit, at) => ({ ref: carriers[at] as Name, commit })),
    );
    try {
      await git(['bundle', 'create', '--quiet', file, ...carriers, ...without], {
        gitDir: mirror.dir,
        signal,
      });
    } finally {
      await dropRefs(mirror, carriers);
    }
    return { bytes: (await stat(file)).size };
  });
}

/** Of a commit and its base those that the bundle is of: what the other machine does not have from the repository. */
async function toCarry(mirror: Mirror, commit: Name, base: Name, hasBase: boolean): Promise<Name[]> {
  if (hasBase) return (await isAncestor(mirror.dir, commit, base)) ? [] : [commit];
  const tips = (await isPublished(mirror, commit)) ? [] : [commit];
  // An agent that has left the branch it started on is on a commit that does not lead to the base.
  return (await isAncestor(mirror.dir, base, commit)) ? tips : [...tips, base];
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
  const { mirror } = options;
  const refs = worktreeRefs(options.worktreeId);
  await together(mirror.dir, async () => {
    const { commit, base } = await takeIn(options);
    await setRefs(mirror, [
      { ref: refs.base, commit: base },
      { ref: refs.snapshot, commit },
    ]);
  });
}

/**
 * Brings a commit in from a bundle, checked as by `restoreBundle`, and lets a ref hold it.
 * @throws InvalidBundleError as restoreBundle
 */
export async function importBundle(
  options: Omit<BundleOptions, 'worktreeId'> & { ref: Name },
): Promise<void> {
  const { mirror, ref } = options;
  await together(mirror.dir, async () => setRef(mirror, ref, (await takeIn(options)).commit));
}

async function takeIn(
  options: Omit<BundleOptions, 'worktreeId'> & { maxBytes?: number | undefined },
): Promise<{ commit: Name; base: Name }> {
  const { mirror, maxBytes, signal } = options;
  const commit = objectId(options.commit);
  const base = objectId(options.base, 'base');
  if (!(await holdsCommit(mirror, commit)) || !(await holdsCommit(mirror, base))) {
    const file = absolutePath(options.file, 'file');
    const { start, tips } = await readHeader(mirror, file, commit);
    if (tips.some((tip) => tip !== commit && tip !== base))
      throw new InvalidBundleError(commit, 'holds another commit');
    try {
      await importPack(mirror, createReadStream(file, { start }), tips, { maxBytes, signal });
    } catch (error) {
      if (error instanceof GitError) throw new InvalidBundleError(commit, `damaged: ${error.stderr.trim()}`);
      throw error;
    }
  }
  if (!(await hasObject(mirror, commit, 'commit')))
    throw new InvalidBundleError(commit, 'holds another commit');
  if (!(await hasObject(mirror, base, 'commit')))
    throw new InvalidBundleError(commit, `its base ${base} is not here`);
  return { commit, base };
}

/** Whether a branch of the repository holds the commit, as of the last fetch. */
async function isPublished(mirror: Mirror, commit: string): Promise<boolean> {
  const args = ['for-each-ref', '--count=1', `--contains=${objectId(commit)}`, 'refs/heads'];
  return (await git(args, { gitDir: mirror.dir })).stdout.trim() !== '';
}

/** Reads `# v2 git bundle`, `-id` prerequisites and `id ref` tips up to the empty line. @returns where the pack starts */
async function readHeader(
  mirror: Mirror,
  file: string,
  commit: string,
): Promise<{ start: number; tips: Name[] }> {
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
  if (tips.length === 0 || !tips.every((tip) => /^[0-9a-f]{40}$/.test(tip))) throw refuse('holds no commit');
  for (const id of needed) {
    const here = /^[0-9a-f]{40}$/.test(id) && (await hasObject(mirror, id, 'commit'));
    if (!here) throw refuse(`needs ${id}, which is not here`);
  }
  return { start: end + 2, tips: tips.map((tip) => objectId(tip)) };
}
