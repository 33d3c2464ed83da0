import { join } from 'node:path';
import { moveHead, setOwnIndex } from './copy-git.ts';
import { TargetDirtyError, WorkingCopyBrokenError } from './errors.ts';
import { takenPaths } from './in-the-way.ts';
import { exclusively, together } from './locks.ts';
import { switchFiles } from './merge-copy.ts';
import { type Mirror, resolveCommit } from './mirror.ts';
import { objectId } from './names.ts';
import { setRefs, treeOf, worktreeRefs } from './objects.ts';
import { readState, type Snapshot, snapshotLocked } from './snapshot.ts';
import { unfinishedIn } from './unfinished.ts';
import type { WorkingCopy } from './working-copy.ts';

/**
 * Puts a working copy back to a snapshot: its files, and the branch that HEAD is on (or a detached HEAD). The present
 * state is saved first; rewinding to that snapshot undoes it. Ignored files stay.
 * @returns the snapshot of the state before
 * @throws RevisionNotFoundError when the mirror has no such commit
 * @throws TargetDirtyError when an ignored file is in the way, a merge or rebase is under way, a file is edited meanwhile,
 * or the copy is not at `expected`; nothing changed
 */
export async function rewindWorkingCopy(options: {
  mirror: Mirror;
  copy: WorkingCopy;
  commit: string;
  /** The commit that the branch goes to, when it is not the snapshot itself: then the rest shows as uncommitted. */
  head?: string | undefined;
  /** The snapshot that the copy must still be at: whatever was changed since is not saved where it is to be saved. */
  expected?: string | undefined;
  signal?: AbortSignal | undefined;
}): Promise<Snapshot> {
  const { mirror, copy, signal } = options;
  const commit = await resolveCommit(mirror, objectId(options.commit));
  const target =
    options.head === undefined ? commit : await resolveCommit(mirror, objectId(options.head, 'head'));
  return exclusively(`copy ${copy.path}`, () =>
    together(mirror.dir, async () => {
      const busy = await unfinishedIn(join(copy.path, '.git'));
      if (busy) throw new TargetDirtyError(copy.path, `is in the middle of ${busy}`);
      const state = await readState({ mirror, copy, signal });
      const head = state.head;
      if (head === null)
        throw new WorkingCopyBrokenError(copy.path, state.skipped[0] ?? 'its HEAD cannot be read');
      const before = await snapshotLocked({ mirror, copy, message: 'Before a rewind', signal }, state);
      if (options.expected !== undefined && before.commitSha !== options.expected)
        throw new TargetDirtyError(copy.path, 'was changed after it had been saved');
      const tree = await treeOf(mirror, commit);
      const [taken] = await takenPaths(mirror, copy.path, state.tree, tree);
      if (taken !== undefined) throw new TargetDirtyError(copy.path, `has an ignored ${taken} in the way`);
      await switchFiles(mirror, copy, state.tree, tree, signal);
      if (head.commit !== target) await moveHead(copy, head, target);
      await setOwnIndex(mirror, copy, target);
      const refs = worktreeRefs(copy.worktreeId);
      await setRefs(mirror, [
        { ref: refs.head, commit: target },
        { ref: refs.snapshot, commit },
      ]);
      return before;
    }),
  );
}
