import {
  type CreatePullRequestPayload,
  type CreatePullRequestResult,
  createPullRequestPayloadSchema,
} from '../platform/protocol.ts';
import type { CommandCall } from './commands.ts';
import { takeFromCopy } from './git/copy-branches.ts';
import { InvalidNameError, RevisionNotFoundError, TargetMovedError } from './git/errors.ts';
import { fetchBranch } from './git/mirror.ts';
import { branchName } from './git/names.ts';
import { isAncestor } from './git/objects.ts';
import { publishBranch } from './git/publish.ts';
import type { Credentials } from './git/run.ts';
import { PullRequests } from './github/pull-request.ts';
import { credentialsFor, PullRequestError, repositoryOf } from './github/repository.ts';
import type { RunContext } from './run-context.ts';
import type { Worktree } from './worktrees.ts';

/** The repository has no remote: it is a directory of this machine. */
class NoRemoteError extends Error {
  override readonly name = 'NoRemoteError';
  readonly code = 'LOCAL_ONLY';
}

/**
 * Pushes a branch and opens a pull request for it. The one that is open already is found by its head, so that doing it
 * again, also after a crash in the middle, does not open a second.
 * @throws PullRequestError with what GitHub said; TargetMovedError when the remote's branch has gone another way;
 * RevisionNotFoundError when there is no such branch
 */
export async function createPullRequest(
  context: RunContext,
  call: CommandCall,
): Promise<CreatePullRequestResult> {
  const payload = createPullRequestPayloadSchema.parse(call.payload);
  const { github, signal, worktrees } = context;
  const head = branchName(payload.branch);
  const worktree = await worktrees.get(payload.worktreeId);
  const { source } = worktree.mirror;
  if ('localPath' in source) throw new NoRemoteError(`${source.localPath} is no repository of GitHub's.`);
  if (github === null) {
    throw new PullRequestError(
      'This daemon has no token for GitHub. Set TASKMESH_GITHUB_TOKEN (and TASKMESH_GITHUB_URL for an Enterprise server) where it runs, and start it again.',
    );
  }
  const pulls = new PullRequests(github, repositoryOf(source.url, github), signal);
  const base = payload.baseBranch ?? (await pulls.defaultBranch());
  if (base === head) throw new InvalidNameError('branch', `${head} is what the pull request would go into`);
  const branches = { head, base };
  // Before the push: a token that is not good for this repository leaves the remote as it was.
  const open = await pulls.find(branches);
  await pushHead(context, payload, worktree, credentialsFor(source.url, github));
  if (open) return { ...open, created: false };
  try {
    return { ...(await pulls.open(branches, payload.title, payload.body)), created: true };
  } catch (error) {
    signal.throwIfAborted();
    // Somebody was quicker, or it was opened and the answer was lost.
    const found = await pulls.find(branches).catch(() => null);
    if (!found) throw error;
    return { ...found, created: false };
  }
}

/** Brings the branch, as it is committed, to the remote; one that is there already is moved forward, never back. */
async function pushHead(
  context: RunContext,
  payload: CreatePullRequestPayload,
  worktree: Worktree,
  credentials: Credentials | undefined,
): Promise<void> {
  const { signal } = context;
  const { branch } = payload;
  const { mirror } = worktree;
  const expectedOld = await fetchBranch(mirror, branch, { credentials, signal });
  const commit = await commitOf(context, payload, worktree);
  if (commit === null && expectedOld === null) throw new RevisionNotFoundError(`branch ${branch}`);
  if (commit === null || commit === expectedOld) return;
  if (expectedOld !== null) {
    if (await isAncestor(mirror.dir, commit, expectedOld)) return;
    if (!(await isAncestor(mirror.dir, expectedOld, commit)))
      throw new TargetMovedError(branch, commit, expectedOld);
  }
  await publishBranch({ mirror, branch, commit, expectedOld, credentials, signal });
}

/** The commit of the branch, in the mirror; null when no working copy has it. */
async function commitOf(
  { repositories, worktrees, signal }: RunContext,
  { branch, branchWorktreeId, branchCheckpoint: away }: CreatePullRequestPayload,
  worktree: Worktree,
): Promise<string | null> {
  const { mirror } = worktree;
  if (away !== null) {
    await repositories.openAt(worktree.record.repository, away, signal);
    return away.commitSha;
  }
  const ofTask = branchWorktreeId === null ? null : await worktrees.find(branchWorktreeId);
  const { copy } = ofTask?.mirror.dir === mirror.dir ? ofTask : worktree;
  return takeFromCopy({ mirror, copy, from: { branch }, signal });
}
