import { fetchBranch } from './git/mirror.ts';
import { isAncestor, isRecorded } from './git/objects.ts';
import { publishBranch } from './git/publish.ts';
import type { RunContext } from './run-context.ts';
import type { Worktree } from './worktrees.ts';

/** What Taskmesh calls the branches of working copies. No other is ever rewritten. */
const OUR_BRANCHES = 'taskmesh/';

/**
 * Brings the branch of a working copy to the repository it came from. A branch that is there already is moved forward.
 * It is moved to another line of history, after a rewinding, only when nothing can be lost by that: see ADR 13.
 * @throws TargetMovedError, TargetDirtyError, GitError: see git/publish.ts; nothing of the copy is touched
 */
export async function publishCopy(
  { worktrees, signal }: Pick<RunContext, 'worktrees' | 'signal'>,
  worktree: Worktree,
  commit: string,
): Promise<void> {
  const { mirror, copy, record } = worktree;
  const expectedOld = await fetchBranch(mirror, copy.branch, { signal });
  if (expectedOld === null && commit === copy.baseSha) return;
  if (expectedOld !== commit) {
    const rewrite = expectedOld !== null && (await mayRewrite(worktree, expectedOld, commit));
    await publishBranch({ mirror, branch: copy.branch, commit, expectedOld, rewrite, signal });
  }
  await worktrees.remember(record.worktreeId, { published: commit });
}

/** Whether the branch, as the repository has it, is ours alone, and all that it holds is in a checkpoint, too. */
async function mayRewrite({ mirror, copy, record }: Worktree, old: string, commit: string): Promise<boolean> {
  if (await isAncestor(mirror.dir, old, commit)) return false;
  const isOurs = copy.branch.startsWith(OUR_BRANCHES) && record.published === old;
  return isOurs && (await isRecorded(mirror, old));
}
