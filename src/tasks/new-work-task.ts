import { Checkpoint } from '../checkpoints/checkpoint.entity.ts';
import type { Contract } from '../contracts/contract.entity.ts';
import { defaultRepository } from '../contracts/contract.service.ts';
import type { Repository } from '../contracts/repository.entity.ts';
import { checkLocalPath, checkRepositoryUrl } from '../contracts/repository.input.ts';
import { DomainError, invalidInput } from '../platform/errors.ts';
import { type Id, newId } from '../platform/ids.ts';
import { actorName, type Principal } from '../platform/principal.ts';
import { readRow } from '../platform/read-rows.ts';
import type { Transaction } from '../platform/transaction.ts';
import { Worktree } from '../worktrees/worktree.entity.ts';
import type { CheckedSpawn } from './spawn-task.input.ts';
import { Task } from './task.entity.ts';
import { logTask } from './task.moves.ts';

export const MAX_DEPTH = 8;

/** What a new task hangs on. Its supervisor is held, since the task is stored along with the log. */
export interface Belonging {
  readonly contract: Contract;
  readonly supervisor: Task | null;
  readonly repositories: readonly Repository[];
}

/**
 * Adds a work task to an open contract.
 * @throws DomainError INVALID_INPUT naming the field, MISSING_REPOSITORY
 */
export async function createWorkTask(
  tx: Transaction,
  principal: Principal,
  { contract, supervisor, repositories }: Belonging,
  input: CheckedSpawn,
): Promise<Task> {
  const parent = await parentOf(tx, contract, input.parentTaskId, supervisor);
  const depth = parent ? parent.depth + 1 : 0;
  if (depth > MAX_DEPTH) {
    throw invalidInput(
      'parentTaskId',
      `The task would be ${depth} deep; at most ${MAX_DEPTH} is allowed. Choose a parent further up.`,
    );
  }
  const repository = repositoryOf(repositories, input.repositoryUrl);
  // Before there is a supervisor there is no working copy to share.
  const useOwnWorktree = input.useOwnWorktree || !supervisor;
  if (!useOwnWorktree && !sameRepository(supervisor, repository)) {
    throw invalidInput(
      'useOwnWorktree',
      "The supervisor's working copy is of another repository. Set useOwnWorktree.",
    );
  }
  if (!useOwnWorktree) assertSharable(input);
  const { branchedFromTaskId, continueFromTaskId } = input;
  for (const [field, id] of Object.entries({ branchedFromTaskId, continueFromTaskId }))
    if (id) await assertBranchable(tx, contract, repository, field, id);
  const task = tx.record(Task, {
    id: newId('task'),
    ownerId: contract.ownerId,
    contractId: contract.id,
    parentId: parent?.id ?? null,
    depth,
    name: input.name,
    description: input.description,
    plan: input.plan,
    role: 'WORK',
    priority: input.priority,
    useOwnWorktree,
    repositoryUrl: repository.url,
    repositoryPath: repository.localPath,
    baseBranch: input.baseBranch ?? repository.baseBranch,
    targetBranch: input.targetBranch,
    checkpointSha: input.checkpointSha,
    branchedFromTaskId,
    continueFromTaskId,
    copyFiles: input.copyFiles,
    completionAction: input.completionAction,
    targetRepoPath: input.targetRepoPath,
    autonomousLoop: input.autonomousLoop,
    timeLimitMinutes: input.timeLimitMinutes,
    agent: input.agent ?? contract.agent,
    createdAt: tx.now,
    updatedAt: tx.now,
  });
  logTask(tx, task, 'TASK_CREATED', [], actorName(principal));
  return task;
}

/** What only a working copy of its own can have. */
function assertSharable(input: CheckedSpawn): void {
  const { checkpointSha, branchedFromTaskId, continueFromTaskId, copyFiles, targetRepoPath } = input;
  const needing = {
    checkpointSha,
    branchedFromTaskId,
    continueFromTaskId,
    copyFiles: copyFiles.length > 0,
    targetRepoPath,
    completionAction: input.completionAction !== 'NONE',
  };
  const [field] = Object.entries(needing).find(([, given]) => given) ?? [];
  if (field)
    throw invalidInput(field, `${field} needs a working copy of its own. Pass useOwnWorktree: true as well.`);
}

/** A task can start from another one of its contract and repository whose work has been saved. */
async function assertBranchable(
  tx: Transaction,
  contract: Contract,
  repository: ChosenRepository,
  field: string,
  id: Id<'task'>,
): Promise<void> {
  const source = await readRow(tx.em, Task, { id, contractId: contract.id }, { lock: 'key share' });
  if (!source) throw invalidInput(field, `${field} ${id} is not a task of this contract.`);
  if (!sameRepository(source, repository))
    throw invalidInput(field, `Task ${id} works on another repository: pass its repositoryUrl as well.`);
  const worktree = source.worktreeId ? await tx.em.findOne(Worktree, { id: source.worktreeId }) : null;
  const saved = worktree && (await readRow(tx.em, Checkpoint, { originId: worktree.originId }));
  if (!saved) {
    throw invalidInput(
      field,
      `Task ${id} has no checkpoint to start from yet. Make one with createCheckpoint, or wait for it to end.`,
    );
  }
}

async function parentOf(
  tx: Transaction,
  contract: Contract,
  parentTaskId: Id<'task'> | null,
  supervisor: Task | null,
): Promise<Task | null> {
  if (parentTaskId === null) return supervisor;
  const parent = await readRow(
    tx.em,
    Task,
    { id: parentTaskId, contractId: contract.id },
    { lock: 'key share' },
  );
  if (!parent)
    throw invalidInput('parentTaskId', `parentTaskId ${parentTaskId} is not a task of this contract.`);
  return parent;
}

interface ChosenRepository {
  readonly url: string | null;
  readonly localPath: string | null;
  readonly baseBranch: string | null;
}

function repositoryOf(known: readonly Repository[], given: string | null): ChosenRepository {
  if (given === null) {
    const repository = defaultRepository(known);
    if (repository) return pick(repository);
    throw new DomainError(
      'MISSING_REPOSITORY',
      'The contract has no repository, so the task needs one: pass repositoryUrl.',
      { field: 'repositoryUrl' },
    );
  }
  const match = known.find((repository) => repository.url === given || repository.localPath === given);
  if (match) return pick(match);
  if (given.startsWith('/')) {
    checkLocalPath(given, 'repositoryUrl');
    return { url: null, localPath: given, baseBranch: null };
  }
  checkRepositoryUrl(given, 'repositoryUrl');
  return { url: given, localPath: null, baseBranch: null };
}

function pick(repository: Repository): ChosenRepository {
  return {
    url: repository.url ?? null,
    localPath: repository.localPath ?? null,
    baseBranch: repository.baseBranch ?? null,
  };
}

function sameRepository(supervisor: Task | null, repository: ChosenRepository): boolean {
  return (
    supervisor !== null &&
    (supervisor.repositoryUrl ?? null) === repository.url &&
    (supervisor.repositoryPath ?? null) === repository.localPath
  );
}
