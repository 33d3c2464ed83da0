import { LockMode } from '@mikro-orm/core';
import { authorizeContract } from '../keys/permissions.ts';
import type { EntityManager } from '../platform/database.ts';
import { DomainError, notFound } from '../platform/errors.ts';
import { parseId } from '../platform/ids.ts';
import type { Principal } from '../platform/principal.ts';
import type { Transaction } from '../platform/transaction.ts';
import { Task } from './task.entity.ts';

/**
 * The task an operation is about.
 * @throws DomainError INVALID_INPUT for what is no task's id, NOT_FOUND also for another owner's, CONTRACT_MISMATCH for
 * a tool key of another contract
 */
export async function findTask(
  em: EntityManager,
  principal: Principal,
  id: string,
  field = 'taskId',
): Promise<Task> {
  return check(
    await em.findOne(Task, { id: parseId('task', id, field), ownerId: principal.ownerId }),
    principal,
    id,
  );
}

/** The same, locked until the transaction ends: nobody else moves the task meanwhile. */
export async function lockTask(
  tx: Transaction,
  principal: Principal,
  id: string,
  field = 'taskId',
): Promise<Task> {
  const taskId = parseId('task', id, field);
  const task = await tx.em.findOne(
    Task,
    { id: taskId, ownerId: principal.ownerId },
    { lockMode: LockMode.PESSIMISTIC_WRITE },
  );
  return check(task, principal, id);
}

export function noSupervisor(contractId: Task['contractId']): DomainError {
  return new DomainError(
    'NO_SUPERVISOR',
    `The contract ${contractId} was opened without a supervisor. Spawn and merge its tasks yourself, or open another contract with startSupervisor: true.`,
  );
}

function check(task: Task | null, principal: Principal, id: string): Task {
  if (!task) throw notFound('task', id);
  authorizeContract(principal, task.contractId);
  return task;
}
