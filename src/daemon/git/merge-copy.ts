import { join } from 'node:path';
import { moveHead, readHead, setOwnIndex } from './copy-git.ts';
import { GitError, TargetDirtyError, TargetMovedError, WorkingCopyBrokenError } from './errors.ts';
import { takenPaths } from './in-the-way.ts';
import type { MergeOptions, MergeResult } from './merge.ts';
import { conflict, mergedResult, prepareMerge } from './merge-commit.ts';
import { mergeTrees, nameCulprits, type TreeMerge } from './merge-tree.ts';
import type { Mirror } from './mirror.ts';
import { objectId } from './names.ts';
import { setRefs, treeOf, worktreeRefs } from './objects.ts';
import { git } from './run.ts';
import { readState, snapshotLocked } from './snapshot.ts';
import { openStage, stagedGit } from './stage.ts';
import { unfinishedIn } from './unfinished.ts';
import type { WorkingCopy } from './working-copy.ts';

/*
 * Order of the writes: files, branch, index, our refs. A crash after the files leaves the merged text as uncommitted
 * edits, and the same merge done again finds them equal. With the branch first it would leave a branch whose files
 * undo the merge, and the next snapshot would commit that.
 */

/** Merges into a working copy; under its lock. */
export async function mergeIntoCopy(options: MergeOptions, copy: WorkingCopy): Promise<MergeResult> {
  const { mirror, signal, source } = options;
  const busy = await unfinishedIn(join(copy.path, '.git'));
  if (busy) throw new TargetDirtyError(copy.path, `is in the middle of ${busy}`);
  const refs = worktreeRefs(copy.worktreeId);

  const state = await readState({ mirror, copy, signal });
  const head = state.head;
  if (head === null)
    throw new WorkingCopyBrokenError(copy.path, state.skipped[0] ?? 'its HEAD cannot be read');
  if (head.ref === null)
    throw new TargetDirtyError(copy.path, 'has a detached HEAD, so there is no branch to merge into');
  const files = state.tree;
  if (!options.dryRun) {
    const message = `Before merging ${source.label}`;
    await snapshotLocked({ mirror, copy, message, identity: options.identity, signal }, state);
  }

  const prepared = await prepareMerge(options, head.commit);
  if ('done' in prepared) return prepared.done;
  const headTree = await treeOf(mirror, head.commit);
  const carried: TreeMerge =
    files === headTree
      ? { clean: true, tree: prepared.tree }
      : await mergeTrees(mirror, { base: headTree, ours: files, theirs: prepared.tree }, signal);
  if (!carried.clean) {
    const sides = { base: head.commit, ours: null, theirs: prepared.commit };
    const conflicts = await nameCulprits(mirror, carried.conflicts, sides);
    return conflict(`${carried.message} with uncommitted edits of the working copy`, conflicts);
  }
  // All that git does not ignore is in the tree `files`: what is in the way beyond it, git would overwrite.
  const taken = await takenPaths(mirror, copy.path, files, carried.tree);
  if (taken.length > 0) {
    const empty = {
      kind: 'CONFLICT (ignored file in the way)',
      hunks: [],
      oursCommit: null,
      theirsCommit: null,
    };
    return conflict(
      'Files that git ignores are in the way',
      taken.map((path) => ({ path, ...empty })),
    );
  }
  if (options.dryRun) return mergedResult(options, prepared.commit);

  await switchFiles(mirror, copy, files, carried.tree, signal);
  try {
    await moveHead(copy, head, prepared.commit);
  } catch (error) {
    await switchFiles(mirror, copy, carried.tree, files);
    if (error instanceof GitError) throw new TargetMovedError(head.ref, head.commit, null);
    throw error;
  }
  const indexed = await setOwnIndex(mirror, copy, prepared.commit);
  // What is still uncommitted is not in the snapshot: the next finds it changed, and gives it words of its own.
  await setRefs(mirror, [
    { ref: refs.head, commit: prepared.commit },
    { ref: refs.snapshot, commit: prepared.commit },
  ]);
  const back = await readHead(copy);
  if ('unreadable' in back || back.commit !== prepared.commit) {
    throw new TargetMovedError(head.ref, prepared.commit, 'unreadable' in back ? null : back.commit);
  }
  const result = mergedResult(options, prepared.commit);
  return indexed
    ? result
    : { ...result, message: `${result.message}; its index was locked, run git reset there` };
}

/**
 * Changes the files of the copy from one tree to another; edits made meanwhile make it refuse before it writes.
 * Under the copy's lock, right after a capture that gave `from`.
 */
export async function switchFiles(
  mirror: Mirror,
  copy: WorkingCopy,
  from: string,
  to: string,
  signal?: AbortSignal,
): Promise<void> {
  if (from === to) return;
  const stage = await openStage(copy.path, copy.user);
  const call = stagedGit(mirror, copy.path, stage, { user: copy.user, signal });
  try {
    await git(['read-tree', '-m', '-u', objectId(from, 'tree'), objectId(to, 'tree')], call);
  } catch (error) {
    if (error instanceof GitError)
      throw new TargetDirtyError(copy.path, `is being edited: ${error.stderr.trim()}`);
    throw error;
  }
}
