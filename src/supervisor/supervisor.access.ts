import { LockMode } from '@mikro-orm/core';
import { Checkpoint } from '../checkpoints/checkpoint.entity.ts';
import { assertOpen, lockContract } from '../contracts/contract.access.ts';
import type { Contract } from '../contracts/contract.entity.ts';
import { DomainError, notFound } from '../platform/errors.ts';
import { type Id, parseId } from '../platform/ids.ts';
import type { Principal } from '../platform/principal.ts';
import type { Transaction } from '../platform/transaction.ts';
import { noSupervisor } from '../tasks/task.access.ts';
import { Task } from '../tasks/task.entity.ts';
import { Worktree } from '../worktrees/worktree.entity.ts';

/**
 * The supervisor of an open contract, both locked.
 * @throws DomainError CONTRACT_CLOSED, NO_SUPERVISOR …
 */
export async function lockSupervisor(
  tx: Transaction,
  principal: Principal,
  contractId: string,
): Promise<{ contract: Contract; supervisor: Task }> {
  const contract = await lockContract(tx, principal, contractId);
  assertOpen(contract);
  const supervisor = await tx.em.findOne(
    Task,
    { contractId: contract.id, role: 'SUPERVISOR' },
    { lockMode: LockMode.PESSIMISTIC_WRITE },
  );
  if (supervisor) return { contract, supervisor };
  throw noSupervisor(contract.id);
}

/** The supervisor's working copy, or null when it never had one. */
export function copyOf(tx: Transaction, supervisor: Task): Promise<Worktree | null> {
  return supervisor.worktreeId
    ? tx.em.findOneOrFail(Worktree, { id: supervisor.worktreeId })
    : Promise.resolve(null);
}

/** @throws DomainError NOT_FOUND for what is no checkpoint of the supervisor's working copy */
export async function findSupervisorCheckpoint(
  tx: Transaction,
  copy: Worktree | null,
  checkpointId: string,
): Promise<Checkpoint> {
  const id = parseId('checkpoint', checkpointId, 'checkpointId');
  const checkpoint = copy && (await tx.em.findOne(Checkpoint, { id, originId: copy.originId }));
  if (!checkpoint) throw notFound("checkpoint of the supervisor's working copy", id);
  return checkpoint;
}

const AT_WORK = ['STARTING', 'RUNNING', 'PAUSED', 'CANCELLING'] as const;

/** @throws DomainError COPY_IN_USE while tasks work in the supervisor's working copy */
export async function assertCopyFree(tx: Transaction, supervisor: Task): Promise<void> {
  const sharers = await tx.em.find(Task, {
    contractId: supervisor.contractId,
    role: 'WORK',
    useOwnWorktree: false,
    status: { $in: [...AT_WORK] },
  });
  if (sharers.length === 0) return;
  const ids: Id<'task'>[] = sharers.map(({ id }) => id);
  throw new DomainError(
    'COPY_IN_USE',
    `${ids.length} ${ids.length === 1 ? 'task works' : 'tasks work'} in the supervisor's working copy: ${ids.join(', ')}. Wait for them, or cancel them.`,
    { extensions: { taskIds: ids } },
  );
}
