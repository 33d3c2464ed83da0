import { LockMode } from '@mikro-orm/core';
import { findContract } from '../contracts/contract.access.ts';
import type { PageArguments } from '../contracts/contract.service.ts';
import { Command } from '../daemons/command.entity.ts';
import { issueCommand } from '../daemons/command.service.ts';
import { COMMAND_MOVES } from '../daemons/command.states.ts';
import { recordHistory } from '../events/history.ts';
import { authorize } from '../keys/permissions.ts';
import { once } from '../keys/requests.ts';
import { DomainError } from '../platform/errors.ts';
import { type Id, parseId } from '../platform/ids.ts';
import { actorName, isTask } from '../platform/principal.ts';
import type { CancelTaskPayload } from '../platform/protocol.ts';
import type { Operation } from '../platform/runtime.ts';
import { move } from '../platform/states.ts';
import { boundedInt, optionalText, requiredText } from '../platform/text.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { findTask, lockTask } from './task.access.ts';
import { Task, type TaskRole } from './task.entity.ts';
import { moveTask } from './task.moves.ts';
import { isCompleted, type TaskStatus } from './task.states.ts';

export async function getTask(op: Operation, id: string): Promise<Task> {
  authorize(op.principal, 'read');
  return findTask(op.em, op.principal, id, 'id');
}

export interface TaskFilter extends PageArguments {
  readonly contractId: string;
  readonly status?: readonly TaskStatus[] | null | undefined;
  readonly role?: TaskRole | null | undefined;
}

/** A contract's tasks, oldest first. @returns one more than asked for when there are more */
export async function listTasks(
  op: Operation,
  filter: TaskFilter,
): Promise<{ items: Task[]; limit: number }> {
  authorize(op.principal, 'read');
  const contract = await findContract(op.em, op.principal, filter.contractId);
  const limit = boundedInt(filter.first ?? 50, 'first', 1, 500);
  const items = await op.em.find(
    Task,
    {
      contractId: contract.id,
      ...(filter.status ? { status: { $in: [...filter.status] } } : {}),
      ...(filter.role ? { role: filter.role } : {}),
      ...(filter.after ? { id: { $gt: parseId('task', filter.after, 'after') } } : {}),
    },
    { orderBy: { id: 'asc' }, limit: limit + 1 },
  );
  return { items, limit };
}

/**
 * Cancels a task: at once while no agent runs, else CANCELLING until the daemon has confirmed that its whole process
 * group is gone.
 * @throws DomainError INVALID_TRANSITION for a completed task
 */
export async function cancelTask(
  op: Operation,
  input: { taskId: string; reason?: string | null | undefined; requestId?: string | null | undefined },
): Promise<Task> {
  authorize(op.principal, 'supervise');
  const reason = optionalText(input.reason, 'reason', 2_000);
  return transact(op.runtime, async (tx) => {
    const task = await lockTask(tx, op.principal, input.taskId);
    const request = { ownerId: task.ownerId, requestId: input.requestId, operation: 'cancelTask', input };
    await once(tx, request, async () => {
      if (task.status !== 'CANCELLING') {
        await cancelLocked(tx, task, actorName(op.principal), reason);
        recordHistory(tx, op, { action: 'cancelled', contractId: task.contractId, taskId: task.id });
      }
      return task.id;
    });
    return task;
  });
}

/** Cancels a locked task that is not completed. */
export async function cancelLocked(
  tx: Transaction,
  task: Task,
  by: string,
  reason: string | null,
): Promise<void> {
  task.cancelReason = reason;
  if (task.status !== 'STARTING' && task.status !== 'RUNNING') {
    // A paused agent may be held, not gone, and of one that waits its daemon keeps what it needs to wake it.
    if (task.status === 'PAUSED' || task.status === 'WAITING') stopAgent(tx, task, 'CANCELLED', 0);
    moveTask(tx, task, 'CANCELLED', by, reason === null ? {} : { errorMessage: reason });
    return;
  }
  const neverStarted = task.status === 'STARTING' && (await withdrawSpawn(tx, task));
  moveTask(tx, task, 'CANCELLING', by);
  if (neverStarted) moveTask(tx, task, 'CANCELLED', by, reason === null ? {} : { errorMessage: reason });
  else stopAgent(tx, task, 'CANCELLED', 0);
}

/** Tells the daemon to end the agent and report the outcome once its process group is gone. */
export function stopAgent(
  tx: Transaction,
  task: Task,
  outcome: CancelTaskPayload['outcome'],
  graceSeconds: number,
): void {
  if (!task.daemonId) return;
  const payload: CancelTaskPayload = { taskId: task.id, attempt: task.attempt, graceSeconds, outcome };
  issueCommand(tx, {
    daemonId: task.daemonId,
    taskId: task.id,
    attempt: task.attempt,
    type: 'CANCEL_TASK',
    payload: { ...payload },
  });
}

/** Takes back the spawn command of a task that no daemon has accepted. @returns whether there was one to take back */
export async function withdrawSpawn(tx: Transaction, task: Task): Promise<boolean> {
  const spawn = await tx.em.findOne(
    Command,
    { taskId: task.id, attempt: task.attempt, type: 'SPAWN_TASK' },
    // Skips a row that an acceptance holds at this moment: that one waits for our task's lock, we must not wait for it.
    { lockMode: LockMode.PESSIMISTIC_PARTIAL_WRITE },
  );
  if (spawn?.status !== 'PENDING') return false;
  move(COMMAND_MOVES, spawn, 'WITHDRAWN');
  spawn.answeredAt = tx.now;
  return true;
}

/** An agent says how its task ended. It takes effect when the agent has ended. */
export async function finishTask(
  op: Operation,
  input: { summary: string; success?: boolean | null | undefined },
): Promise<Task> {
  authorize(op.principal, 'attend');
  const summary = requiredText(input.summary, 'summary', 20_000);
  const own = ownTaskId(op);
  return transact(op.runtime, async (tx) => {
    const task = await lockTask(tx, op.principal, own);
    if (isCompleted(task.status)) {
      throw new DomainError(
        'INVALID_TRANSITION',
        `Task ${task.id} is ${task.status} already: nothing more is needed.`,
      );
    }
    task.finishSummary = summary;
    task.finishSuccess = input.success ?? true;
    recordHistory(tx, op, {
      action: 'finished',
      contractId: task.contractId,
      taskId: task.id,
      details: { success: task.finishSuccess },
    });
    task.updatedAt = tx.now;
    return task;
  });
}

/** The task a tool key belongs to. */
export function ownTaskId(op: Operation): Id<'task'> {
  if (isTask(op.principal)) return op.principal.taskId;
  throw new DomainError('FORBIDDEN', 'Only a task, with its tool key, may do this.');
}
