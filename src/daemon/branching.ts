import {
  type CreateBranchPayload,
  type CreateBranchResult,
  createBranchPayloadSchema,
} from '../platform/protocol.ts';
import type { CommandCall } from './commands.ts';
import { addCopyBranch, branchOfCopy, dropCopyBranch, takeFromCopy } from './git/copy-branches.ts';
import { InvalidNameError, RevisionNotFoundError } from './git/errors.ts';
import { exclusively } from './git/locks.ts';
import { fetchBranch, findCommit, originBranches } from './git/mirror.ts';
import { branchName, branchRef, type Name, refName, worktreeKey } from './git/names.ts';
import { setRef } from './git/objects.ts';
import { publishBranch } from './git/publish.ts';
import type { RunContext } from './run-context.ts';
import type { Worktree } from './worktrees.ts';

/** There is a branch of that name, and it is somewhere else. Nothing was changed. */
export class BranchExistsError extends Error {
  override readonly name = 'BranchExistsError';
  readonly code = 'BRANCH_EXISTS';

  constructor(branch: string, where: string, actual: string, wanted: string) {
    super(
      `${where} has a branch ${branch} already, at ${actual}, and it was to be made at ${wanted}. Choose another name, or pass that commit as fromRef.`,
    );
  }
}

/**
 * Makes a branch in the working copy and, unless it is to stay there, in the repository the copy came from; in both or
 * in neither. The same again finds it.
 * @throws RevisionNotFoundError when `fromRef` is not there; BranchExistsError; InvalidNameError
 */
export async function createBranch(context: RunContext, call: CommandCall): Promise<CreateBranchResult> {
  const payload = createBranchPayloadSchema.parse(call.payload);
  const branch = branchName(payload.branchName, 'branchName');
  const worktree = await context.worktrees.get(payload.worktreeId);
  return exclusively(`branch ${worktree.mirror.dir} ${branch}`, () =>
    createLocked(context, worktree, branch, payload, call),
  );
}

async function createLocked(
  { signal }: RunContext,
  worktree: Worktree,
  branch: Name,
  payload: CreateBranchPayload,
  { id, isResumed }: CommandCall,
): Promise<CreateBranchResult> {
  const { mirror, copy } = worktree;
  // Where it was to be is written down before it is made: after a crash what it starts from may have moved on. The same
  // ref keeps the commit when the origin drops it, since the working copy borrows it from the mirror.
  const pin = refName(`refs/taskmesh/branches/${worktreeKey(id, 'command')}`);
  const begun = isResumed ? await findCommit(mirror, pin) : null;
  const commit = begun ?? (await startOf(worktree, payload.fromRef, signal));

  const inRepository = payload.publish
    ? await inOrigin(worktree, branch, signal)
    : await findCommit(mirror, branchRef(branch));
  const inCopy = await branchOfCopy(copy, branch);
  for (const [where, actual] of [
    ['The repository', inRepository],
    ['The working copy', inCopy],
  ] as const) {
    if (actual !== null && actual !== commit) throw new BranchExistsError(branch, where, actual, commit);
  }

  await setRef(mirror, pin, commit);
  if (inCopy === null) await addCopyBranch(copy, branch, commit);
  if (payload.publish && inRepository === null) {
    try {
      await publishBranch({ mirror, branch, commit, expectedOld: null, signal });
    } catch (error) {
      // An agent that sees the branch would take it for done. One that the agent has moved meanwhile is its own.
      if (inCopy === null) await dropCopyBranch(copy, branch, commit).catch(() => undefined);
      throw error;
    }
  }
  return { branchName: branch, commitSha: commit };
}

/**
 * The commit of the branch in the repository, null when it has none.
 * @throws InvalidNameError when another branch of it takes the name's place (`a` and `a/b` exclude each other)
 */
async function inOrigin({ mirror }: Worktree, branch: Name, signal: AbortSignal): Promise<string | null> {
  const all = await originBranches(mirror, { signal });
  if (all.includes(branch)) return fetchBranch(mirror, branch, { signal });
  const other = all.find((name) => name.startsWith(`${branch}/`) || branch.startsWith(`${name}/`));
  if (other === undefined) return null;
  throw new InvalidNameError(
    'branchName',
    `the repository has a branch ${other}, beside which git cannot have it`,
  );
}

async function startOf(worktree: Worktree, fromRef: string | null, signal: AbortSignal): Promise<string> {
  const { mirror, copy } = worktree;
  const take = (from: { branch: string } | { commit: string }) =>
    takeFromCopy({ mirror, copy, from, signal });
  const found = await (async () => {
    if (fromRef === null || fromRef === copy.branch) return take({ branch: copy.branch });
    if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(fromRef))
      return (await findCommit(mirror, fromRef)) ?? (await take({ commit: fromRef }));
    const branch = branchName(fromRef, 'fromRef');
    return (await fetchBranch(mirror, branch, { signal })) ?? (await take({ branch }));
  })();
  if (found === null) throw new RevisionNotFoundError(fromRef ?? `branch ${copy.branch}`);
  return found;
}
