import { deliverBranch } from './git/deliver.ts';
import type { RunContext } from './run-context.ts';
import type { Worktree } from './worktrees.ts';

/**
 * Puts the branch of a finished working copy also into the repository of this machine that the task named.
 * @throws PathNotAllowedError, RepositoryNotFoundError, TargetMovedError, TargetDirtyError
 */
export async function deliver(
  { repositories, signal }: Pick<RunContext, 'repositories' | 'signal'>,
  { mirror, copy }: Worktree,
  commit: string,
  targetRepoPath: string,
): Promise<void> {
  const directory = await repositories.allowedPath(targetRepoPath);
  await deliverBranch({ mirror, branch: copy.branch, commit, directory, signal });
}
