import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { GitError } from './errors.ts';
import type { Mirror } from './mirror.ts';
import { findCommit } from './mirror.ts';
import { objectId, refName } from './names.ts';
import { hasObject, importPack, worktreeRefs } from './objects.ts';
import { type GitOptions, git } from './run.ts';
import type { WorkingCopy } from './working-copy.ts';

/*
 * The few commands that read or write the `.git` of a working copy. The agent owns it, so only plumbing that runs no
 * code from its configuration is used (rev-parse, symbolic-ref, update-ref, pack-objects), hooks are off, transports
 * are off, and all that comes out is checked again in the mirror.
 */

/** Where a working copy's HEAD is: its commit, and the branch's full ref (null: detached). */
export interface CopyHead {
  commit: string;
  ref: string | null;
}

/** @returns HEAD of the copy, or why it cannot be read (no commit yet, `.git` gone or replaced). */
export async function readHead(copy: WorkingCopy): Promise<CopyHead | { unreadable: string }> {
  const reason = await whyNotOurs(copy);
  if (reason !== null) return { unreadable: reason };
  try {
    // Without --verify, which takes one name only: HEAD's branch is to be the one that the commit was read from.
    const args = ['rev-parse', 'HEAD^{commit}', '--symbolic-full-name', 'HEAD'];
    const read = await git(args, { ...ownGit(copy), okCodes: [0, 128] });
    if (read.code !== 0) return { unreadable: 'its HEAD has no commit' };
    const [commit = '', name = ''] = read.stdout.split('\n');
    // Git names none, or the other, where there is a branch or tag HEAD as well.
    const ref = name === '' || name.endsWith('/HEAD') ? await branchOfHead(copy) : name;
    return { commit: objectId(commit, 'HEAD'), ref: ref === 'HEAD' ? null : refName(ref, 'HEAD') };
  } catch (error) {
    if (error instanceof GitError)
      return { unreadable: error.stderr.trim().split('\n')[0] ?? 'git cannot read it' };
    throw error;
  }
}

async function branchOfHead(copy: WorkingCopy): Promise<string> {
  const named = await git(['symbolic-ref', '--quiet', 'HEAD'], { ...ownGit(copy), okCodes: [0, 1] });
  return named.code === 0 ? named.stdout.trim() : 'HEAD';
}

/** Why the copy's `.git` is not the one that the daemon made, so that nothing is read through it; null when it is. */
export async function whyNotOurs(copy: WorkingCopy): Promise<string | null> {
  const found = await lstat(join(copy.path, '.git')).catch(() => null);
  if (!found?.isDirectory()) return 'its .git is not a directory';
  const shared = await lstat(join(copy.path, '.git', 'commondir')).catch(() => null);
  return shared ? 'its .git belongs to another repository' : null;
}

/**
 * Takes a commit of the copy, and all that it leads to, into the mirror, with the ids it has.
 * @throws GitError when objects are missing, malformed or evil
 */
export async function importCommit(
  mirror: Mirror,
  copy: WorkingCopy,
  commit: string,
  options: { maxBytes?: number | undefined; signal?: AbortSignal | undefined } = {},
): Promise<void> {
  if (await hasObject(mirror, commit, 'commit')) return;
  const known = await Promise.all(
    Object.values(worktreeRefs(copy.worktreeId)).map((ref) => findCommit(mirror, ref)),
  );
  const exclude = [...new Set(known)].filter((id) => id !== null);
  const source = {
    args: ['pack-objects', '--revs', '--thin', '--stdout', '-q'],
    options: {
      ...ownGit(copy),
      signal: options.signal,
      input: [commit, ...exclude.map((id) => `^${id}`), ''].join('\n'),
    },
  };
  await importPack(mirror, source, [commit], options);
}

/**
 * Moves HEAD's branch (or a detached HEAD) from one commit to another; the new one is seen through the mirror.
 * @throws GitError when it is no longer where it was
 */
export async function moveHead(copy: WorkingCopy, head: CopyHead, commit: string): Promise<void> {
  const ref = head.ref === null ? 'HEAD' : refName(head.ref);
  const args = [
    'update-ref',
    '-m',
    'taskmesh',
    '--no-deref',
    '--end-of-options',
    ref,
    objectId(commit),
    objectId(head.commit),
  ];
  await git(args, ownGit(copy));
}

/**
 * Makes a commit's tree the copy's own index, so that `git status` shows the files against it. Uses the mirror's
 * configuration: a refresh with the copy's would run its filters.
 * @returns false when the agent's git holds the index locked for longer than a second
 */
export async function setOwnIndex(mirror: Mirror, copy: WorkingCopy, commit: string): Promise<boolean> {
  const call: GitOptions = {
    cwd: copy.path,
    gitDir: mirror.dir,
    workTree: copy.path,
    indexFile: join(copy.path, '.git', 'index'),
    user: copy.user,
  };
  for (let attempt = 0; ; attempt += 1) {
    try {
      // Anew: merged with what is there, a file that the agent meant to add and left empty would stay marked as not added.
      await git(['read-tree', objectId(commit)], call);
      break;
    } catch (error) {
      if (!(error instanceof GitError) || !error.stderr.includes('index.lock')) throw error;
      if (attempt === 10) return false;
      await delay(100);
    }
  }
  await git(['update-index', '-q', '--refresh'], { ...call, okCodes: [0, 1, 128] });
  return true;
}

/** Ids of the tips of the copy's branches, and of everything in its stash. */
export async function localTips(copy: WorkingCopy): Promise<string[]> {
  const call = ownGit(copy);
  const branches = await git(['for-each-ref', '--format=%(objectname)', 'refs/heads', 'refs/stash'], call);
  // Only the last of a stash has a ref; the others are in its log.
  const log = ['rev-list', '--walk-reflogs', '--end-of-options', 'refs/stash'];
  const stashed = await git(log, { ...call, okCodes: [0, 128] });
  const ids = `${branches.stdout}\n${stashed.stdout}`.split('\n').filter(Boolean);
  return [...new Set(ids)].map((id) => objectId(id));
}

/** How git is run in a copy's own repository. */
export function ownGit(copy: WorkingCopy): GitOptions {
  return { gitDir: join(copy.path, '.git'), cwd: copy.path, user: copy.user };
}
