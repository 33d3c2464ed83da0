import { LockMode } from '@mikro-orm/core';
import { type CommandHandler, issueCommand } from '../daemons/command.service.ts';
import { Daemon } from '../daemons/daemon.entity.ts';
import { recordHistory } from '../events/history.ts';
import { authorize } from '../keys/permissions.ts';
import { once } from '../keys/requests.ts';
import { DomainError } from '../platform/errors.ts';
import type { Id } from '../platform/ids.ts';
import { actorName } from '../platform/principal.ts';
import type { AttemptPayload } from '../platform/protocol.ts';
import type { Operation } from '../platform/runtime.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { lockTask } from './task.access.ts';
import { Task } from './task.entity.ts';
import { moveTask } from './task.moves.ts';

interface PauseInput {
  readonly taskId: string;
  readonly requestId?: string | null | undefined;
}

/**
 * Pauses a running task: its processes are held where they are and its working copy is saved. It no longer counts
 * against its daemon's capacity.
 * @throws DomainError INVALID_TRANSITION when it does not run
 */
export async function pauseTask(op: Operation, input: PauseInput): Promise<Task> {
  authorize(op.principal, 'supervise');
  return transact(op.runtime, async (tx) => {
    const task = await lockTask(tx, op.principal, input.taskId);
    const request = { ownerId: task.ownerId, requestId: input.requestId, operation: 'pauseTask', input };
    await once(tx, request, async () => {
      await pauseLocked(tx, task, actorName(op.principal));
      recordHistory(tx, op, { action: 'paused', contractId: task.contractId, taskId: task.id });
      return task.id;
    });
    return task;
  });
}

/** Pauses a locked task that runs. */
export async function pauseLocked(tx: Transaction, task: Task, by: string): Promise<void> {
  await moveTask(tx, task, 'PAUSED', by);
  command(tx, task, 'PAUSE_TASK');
}

/**
 * Lets a paused task go on: its agent where its daemon is connected, else a new attempt that starts from the last
 * checkpoint.
 * @throws DomainError INVALID_TRANSITION when it is not paused
 */
export async function resumeTask(op: Operation, input: PauseInput): Promise<Task> {
  authorize(op.principal, 'supervise');
  return transact(op.runtime, async (tx) => {
    const task = await lockTask(tx, op.principal, input.taskId);
    const request = { ownerId: task.ownerId, requestId: input.requestId, operation: 'resumeTask', input };
    await once(tx, request, async () => {
      if (task.status !== 'PAUSED') {
        throw new DomainError(
          'INVALID_TRANSITION',
          `Task ${task.id} is ${task.status}; only one that is PAUSED can be resumed.`,
        );
      }
      await resumeLocked(tx, task, actorName(op.principal));
      recordHistory(tx, op, { action: 'resumed', contractId: task.contractId, taskId: task.id });
      return task.id;
    });
    return task;
  });
}

/** Lets a locked task that is paused go on. */
export async function resumeLocked(tx: Transaction, task: Task, by: string): Promise<void> {
  const daemon = task.daemonId ? await tx.em.findOne(Daemon, { id: task.daemonId }) : null;
  if (daemon && daemon.status !== 'DISCONNECTED') {
    await moveTask(tx, task, 'RUNNING', by);
    command(tx, task, 'RESUME_TASK');
  } else {
    await moveTask(tx, task, 'PENDING', by, { daemonId: null });
  }
}

function command(tx: Transaction, task: Task, type: 'PAUSE_TASK' | 'RESUME_TASK'): void {
  if (!task.daemonId) return;
  const payload: AttemptPayload = { taskId: task.id, attempt: task.attempt };
  const { id: taskId, attempt, daemonId } = task;
  issueCommand(tx, { daemonId, taskId, attempt, type, payload: { ...payload } });
}

/** A daemon that has no agent to go on (it was restarted meanwhile) lets the task be started anew. */
export const resumeHandler: CommandHandler = {
  failed: async (tx, answered) => {
    const task = await tx.em.findOneOrFail(
      Task,
      { id: answered.taskId as Id<'task'> },
      { lockMode: LockMode.PESSIMISTIC_WRITE },
    );
    if (task.status !== 'RUNNING' || task.attempt !== answered.attempt) return;
    await moveTask(tx, task, 'INTERRUPTED', 'daemon');
    await moveTask(tx, task, 'PENDING', 'daemon', { daemonId: null });
  },
};
