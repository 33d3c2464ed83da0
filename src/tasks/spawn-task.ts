import { LockMode } from '@mikro-orm/core';
import { assertOpen, contractIdOf, findContract } from '../contracts/contract.access.ts';
import type { Contract } from '../contracts/contract.entity.ts';
import { defaultRepository } from '../contracts/contract.service.ts';
import { Repository } from '../contracts/repository.entity.ts';
import { checkBranchName, checkLocalPath, checkRepositoryUrl } from '../contracts/repository.input.ts';
import { recordHistory } from '../events/history.ts';
import { authorize } from '../keys/permissions.ts';
import { once } from '../keys/requests.ts';
import { topics } from '../platform/doorbell.ts';
import { DomainError, invalidInput } from '../platform/errors.ts';
import { type Id, newId, parseId } from '../platform/ids.ts';
import { actorName, type Principal } from '../platform/principal.ts';
import type { Operation } from '../platform/runtime.ts';
import { boundedInt, checkedText, optionalText, requiredText } from '../platform/text.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { Task } from './task.entity.ts';
import { logTask } from './task.moves.ts';

export const MAX_DEPTH = 8;
const MAX_PLAN = 1_000_000;
/** In minutes, about 24 days: a daemon's timer counts milliseconds in 31 bits, and would fire at once beyond that. */
const MAX_TIME_LIMIT = 35_000;

export interface SpawnTaskInput {
  readonly contractId?: string | null | undefined;
  readonly name: string;
  readonly plan: string;
  readonly description?: string | null | undefined;
  readonly parentTaskId?: string | null | undefined;
  readonly repositoryUrl?: string | null | undefined;
  readonly useOwnWorktree?: boolean | null | undefined;
  readonly agent?: string | null | undefined;
  readonly priority?: number | null | undefined;
  readonly baseBranch?: string | null | undefined;
  readonly targetBranch?: string | null | undefined;
  readonly timeLimitMinutes?: number | null | undefined;
  readonly requestId?: string | null | undefined;
}

/**
 * Adds a work task to an open contract; the scheduler starts it as soon as a daemon can take it.
 * @throws DomainError INVALID_INPUT naming the field, MISSING_REPOSITORY, CONTRACT_CLOSED, NOT_SUPERVISOR …
 */
export async function spawnTask(op: Operation, input: SpawnTaskInput): Promise<Task> {
  authorize(op.principal, 'supervise');
  const checked = checkInput(input);
  const contractId = contractIdOf(op.principal, input.contractId);
  return transact(op.runtime, async (tx) => {
    const found = await findContract(tx.em, op.principal, contractId);
    // Shared with other spawns; a completion at the same moment comes before, and closes the contract, or after.
    const contract = await tx.em.refreshOrFail(found, { lockMode: LockMode.PESSIMISTIC_READ });
    const { result } = await once(
      tx,
      { ownerId: contract.ownerId, requestId: input.requestId, operation: 'spawnTask', input },
      async () => {
        assertOpen(contract);
        const task = await createWorkTask(tx, op.principal, contract, checked);
        recordHistory(tx, op, {
          action: 'spawned',
          contractId: contract.id,
          taskId: task.id,
          details: { name: task.name },
        });
        return task.id;
      },
    );
    return tx.em.findOneOrFail(Task, { id: result as Id<'task'> });
  });
}

function checkInput(input: SpawnTaskInput) {
  const plan = checkedText(input.plan, 'plan', MAX_PLAN);
  if (plan.trim() === '') throw invalidInput('plan', 'plan is blank. Say what the task is to do.');
  const baseBranch = optionalText(input.baseBranch, 'baseBranch', 250);
  const targetBranch = optionalText(input.targetBranch, 'targetBranch', 250);
  if (baseBranch !== null) checkBranchName(baseBranch, 'baseBranch');
  if (targetBranch !== null) checkBranchName(targetBranch, 'targetBranch');
  const limit = input.timeLimitMinutes ?? null;
  return {
    name: requiredText(input.name, 'name', 200),
    plan,
    description: optionalText(input.description, 'description', 20_000),
    parentTaskId: input.parentTaskId ? parseId('task', input.parentTaskId, 'parentTaskId') : null,
    repositoryUrl: optionalText(input.repositoryUrl, 'repositoryUrl', 4_000),
    useOwnWorktree: input.useOwnWorktree ?? false,
    agent: optionalText(input.agent, 'agent', 100),
    priority: boundedInt(input.priority ?? 0, 'priority', -1_000, 1_000),
    baseBranch,
    targetBranch,
    timeLimitMinutes: limit === null ? null : boundedInt(limit, 'timeLimitMinutes', 1, MAX_TIME_LIMIT),
  };
}

async function createWorkTask(
  tx: Transaction,
  principal: Principal,
  contract: Contract,
  input: ReturnType<typeof checkInput>,
): Promise<Task> {
  const supervisor = await tx.em.findOne(Task, { contractId: contract.id, role: 'SUPERVISOR' });
  const parent = await parentOf(tx, contract, input.parentTaskId, supervisor);
  const depth = parent ? parent.depth + 1 : 0;
  if (depth > MAX_DEPTH) {
    throw invalidInput(
      'parentTaskId',
      `The task would be ${depth} deep; at most ${MAX_DEPTH} is allowed. Choose a parent further up.`,
    );
  }
  const repository = await repositoryOf(tx, contract, input.repositoryUrl);
  // Before there is a supervisor there is no working copy to share.
  const useOwnWorktree = input.useOwnWorktree || !supervisor;
  if (!useOwnWorktree && !sameRepository(supervisor, repository)) {
    throw invalidInput(
      'useOwnWorktree',
      "The supervisor's working copy is of another repository. Set useOwnWorktree.",
    );
  }
  const task = tx.em.create(Task, {
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
    timeLimitMinutes: input.timeLimitMinutes,
    agent: input.agent ?? contract.agent,
    createdAt: tx.now,
    updatedAt: tx.now,
  });
  logTask(tx, task, 'TASK_CREATED', [], actorName(principal));
  tx.ring(topics.schedule);
  return task;
}

async function parentOf(
  tx: Transaction,
  contract: Contract,
  parentTaskId: Id<'task'> | null,
  supervisor: Task | null,
): Promise<Task | null> {
  if (parentTaskId === null) return supervisor;
  const parent = await tx.em.findOne(Task, { id: parentTaskId, contractId: contract.id });
  if (!parent)
    throw invalidInput('parentTaskId', `parentTaskId ${parentTaskId} is not a task of this contract.`);
  return parent;
}

interface ChosenRepository {
  readonly url: string | null;
  readonly localPath: string | null;
  readonly baseBranch: string | null;
}

async function repositoryOf(
  tx: Transaction,
  contract: Contract,
  given: string | null,
): Promise<ChosenRepository> {
  const known = await tx.em.find(Repository, { contractId: contract.id }, { orderBy: { id: 'asc' } });
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
