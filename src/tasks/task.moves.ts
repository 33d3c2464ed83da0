import { logEvent } from '../events/append.ts';
import type { EventData } from '../events/event-types.ts';
import { endTaskKeys } from '../keys/key.service.ts';
import { topics } from '../platform/doorbell.ts';
import type { Transaction } from '../platform/transaction.ts';
import type { Task } from './task.entity.ts';
import { assertMove, isCompleted, type TaskStatus } from './task.states.ts';

/** Whoever is paused or waits goes on with the same attempt. */
const KEEPS_KEY: readonly TaskStatus[] = ['STARTING', 'RUNNING', 'PAUSED', 'WAITING'];

/** Fields that go with a move and are named in its event. */
export type TaskChange = Partial<
  Pick<
    Task,
    'errorMessage' | 'outputSummary' | 'daemonId' | 'worktreeId' | 'retryCount' | 'failedDaemons' | 'attempt'
  >
>;

/**
 * Moves a locked task to another state: checks the move, writes the event, and for a completion ends the attempt's
 * tool key and tells whoever waits. The one place where a status is written.
 * @param by who caused it, as the log names them
 * @throws DomainError INVALID_TRANSITION
 */
export function moveTask(
  tx: Transaction,
  task: Task,
  to: TaskStatus,
  by: string,
  change: TaskChange = {},
): void {
  assertMove(task.id, task.status, to);
  Object.assign(task, change);
  task.status = to;
  task.updatedAt = tx.now;
  if (to === 'RUNNING') task.startedAt ??= tx.now;
  if (to !== 'PAUSED') task.heldByBudget = false;
  if (to === 'PENDING') Object.assign(task, { completedAt: null, toldAt: null, completionActionAt: null });
  logTask(tx, task, 'TASK_UPDATED', ['status', ...Object.keys(change)], by);
  if (isCompleted(to) && to !== 'MERGED') {
    task.completedAt = tx.now;
    logEvent(tx, task.contractId, {
      type: 'TASK_COMPLETED',
      taskId: task.id,
      data: {
        status: to,
        outputSummary: task.outputSummary ?? null,
        errorMessage: task.errorMessage ?? null,
      },
    });
  }
  // A key belongs to an attempt: it dies as soon as the attempt will not act again.
  if (!KEEPS_KEY.includes(to)) endTaskKeys(tx, task.id);
  tx.ring(topics.task(task.id));
  if (to === 'PENDING' || isCompleted(to) || to === 'WAITING' || to === 'PAUSED') tx.ring(topics.schedule);
  // A supervisor may have come to the end of its budget before it runs.
  const runs = to === 'RUNNING' && task.role === 'SUPERVISOR';
  if (isCompleted(to) || to === 'WAITING' || runs) tx.ring(topics.supervision(task.contractId));
}

/** Writes that a task was made or changed. Its version is the one the flush will give it. */
export function logTask(
  tx: Transaction,
  task: Task,
  type: 'TASK_CREATED' | 'TASK_UPDATED',
  updatedFields: string[],
  updatedBy: string,
): void {
  const version = type === 'TASK_CREATED' ? 1 : task.version + 1;
  const data: EventData['TASK_UPDATED'] = { status: task.status, version, updatedFields, updatedBy };
  logEvent(tx, task.contractId, { type, taskId: task.id, data });
}
