import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GitError, TargetDirtyError, TargetMovedError } from './errors.ts';
import { takenPaths } from './in-the-way.ts';
import { absolutePath, branchRef, type Name, names, objectId, refName } from './names.ts';
import { commitAt, dropRefs, setRef } from './objects.ts';
import type { PublishOptions } from './publish.ts';
import { type GitOptions, git } from './run.ts';
import { unfinishedIn } from './unfinished.ts';

/*
 * Moving a branch in a person's own repository. Not by a push with receive.denyCurrentBranch=updateInstead: that was
 * seen to overwrite ignored files and to work in the middle of a rebase. The person's hooks are not run.
 */

/** Moves the branch in the repository of that directory. @throws TargetDirtyError, TargetMovedError */
export async function publishToDirectory(options: PublishOptions, directory: string): Promise<void> {
  const { mirror, signal, expectedOld } = options;
  const path = absolutePath(directory, 'localPath');
  const ref = branchRef(options.branch);
  const commit = objectId(options.commit);
  const common = await git(['rev-parse', '--path-format=absolute', '--git-common-dir'], { cwd: path });
  const gitDir = common.stdout.trimEnd();
  await assertNothingUnfinished(path, gitDir);

  const actual = await commitAt(ref, { gitDir });
  if (actual !== expectedOld) throw new TargetMovedError(options.branch, expectedOld, actual);
  const carrier = refName(`refs/taskmesh/publish/${commit}`);
  await setRef(mirror, carrier, commit);
  try {
    const checkout = await checkoutOf(gitDir, ref);
    const call: GitOptions = { gitDir, signal, network: true };
    if (options.rewrite && expectedOld !== null) {
      if (checkout !== null) throw new TargetMovedError(options.branch, expectedOld, actual);
      await fetchInto(call, mirror.dir as Name, carrier, options);
      await rewriteRef(gitDir, ref, { from: objectId(expectedOld), to: commit }, options);
    } else if (checkout === null) {
      await fetchInto(call, mirror.dir as Name, `${carrier}:${ref}`, options);
    } else {
      await fetchInto(call, mirror.dir as Name, carrier, options);
      await bringAlong(checkout, ref, commit, options);
    }
  } finally {
    await dropRefs(mirror, [carrier]);
  }
  const now = await commitAt(ref, { gitDir });
  if (now !== commit) throw new TargetMovedError(options.branch, commit, now);
}

async function fetchInto(
  call: GitOptions,
  from: Name,
  refspec: string,
  options: PublishOptions,
): Promise<void> {
  const quiet = ['--quiet', '--no-tags', '--no-auto-gc', '--no-write-fetch-head', '--no-recurse-submodules'];
  try {
    // No plus sign before the refspec: git itself refuses what is not a fast-forward, or checked out.
    await git(['fetch', ...quiet, ...names(from), refspec], call);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    if (/checked out/.test(error.stderr)) throw new TargetDirtyError(options.branch, 'was just checked out');
    if (/rejected|cannot lock ref/.test(error.stderr))
      throw new TargetMovedError(options.branch, options.expectedOld, null);
    throw error;
  }
}

/** By compare and swap; the branch goes back when somebody has checked it out in between. */
async function rewriteRef(
  gitDir: string,
  ref: Name,
  { from, to }: { from: Name; to: Name },
  options: PublishOptions,
): Promise<void> {
  const moved = new TargetMovedError(options.branch, from, null);
  const set = (value: Name, old: Name) =>
    git(['update-ref', '-m', 'taskmesh: rewound', ...names(ref, value, old)], { gitDir });
  try {
    await set(to, from);
  } catch (error) {
    if (error instanceof GitError) throw moved;
    throw error;
  }
  if ((await checkoutOf(gitDir, ref)) === null) return;
  await set(from, to).catch(() => undefined);
  throw moved;
}

async function bringAlong(checkout: string, ref: Name, commit: Name, options: PublishOptions): Promise<void> {
  const call: GitOptions = { cwd: checkout, signal: options.signal };
  const status = await git(['status', '--porcelain', '-uno', '-z'], call);
  if (status.stdout !== '') throw new TargetDirtyError(checkout, 'has changes that are not committed');
  const head = (await git(['rev-parse', '--verify', 'HEAD'], call)).stdout.trim();
  const on = (await git(['symbolic-ref', '--quiet', 'HEAD'], { ...call, okCodes: [0, 1] })).stdout.trim();
  if (head !== options.expectedOld || on !== ref)
    throw new TargetMovedError(options.branch, options.expectedOld, head);
  // Git would refuse these too, but only after it has written an ORIG_HEAD.
  const [taken] = await takenPaths(options.mirror, checkout, head, commit);
  if (taken !== undefined) throw new TargetDirtyError(checkout, `has another ${taken} in the way`);
  try {
    const args = [
      'merge',
      '--quiet',
      '--ff-only',
      '--no-overwrite-ignore',
      '--no-autostash',
      '--no-verify-signatures',
    ];
    await git([...args, ...names(commit)], call);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    if (/would be overwritten|not uptodate|index\.lock/.test(error.stderr)) {
      throw new TargetDirtyError(checkout, `cannot be brought along: ${error.stderr.trim()}`);
    }
    if (/fast-forward/i.test(error.stderr))
      throw new TargetMovedError(options.branch, options.expectedOld, null);
    throw error;
  }
}

/** The directory that has the branch checked out, null when none has. */
async function checkoutOf(gitDir: string, ref: Name): Promise<string | null> {
  const listed = await git(['worktree', 'list', '--porcelain', '-z'], { gitDir });
  for (const block of listed.stdout.split('\0\0')) {
    const lines = block.split('\0');
    if (lines.includes('bare') || !lines.includes(`branch ${ref}`)) continue;
    const path = lines.find((line) => line.startsWith('worktree '))?.slice('worktree '.length);
    if (path !== undefined) return path;
  }
  return null;
}

/** In every worktree, since one in the middle of a rebase has a detached HEAD and does not show which branch it is on. */
async function assertNothingUnfinished(path: string, gitDir: string): Promise<void> {
  const linked = await readdir(join(gitDir, 'worktrees')).catch(() => []);
  for (const dir of [gitDir, ...linked.map((name) => join(gitDir, 'worktrees', name))]) {
    const busy = await unfinishedIn(dir);
    if (busy) throw new TargetDirtyError(path, `is in the middle of ${busy}`);
  }
}
