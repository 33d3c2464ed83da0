import { fetchBranch } from './git/mirror.ts';
import { publishBranch } from './git/publish.ts';
import type { Worktree } from './worktrees.ts';

/**
 * Brings the branch of a working copy to the repository it came from. A branch that is there already is moved
 * forward, never rewritten.
 * @throws TargetMovedError, TargetDirtyError, GitError: see git/publish.ts; nothing of the copy is touched
 */
export async function publishCopy(worktree: Worktree, commit: string, signal: AbortSignal): Promise<void> {
  const { mirror, copy } = worktree;
  const expectedOld = await fetchBranch(mirror, copy.branch, { signal });
  if (expectedOld === commit || (expectedOld === null && commit === copy.baseSha)) return;
  await publishBranch({ mirror, branch: copy.branch, commit, expectedOld, signal });
}
