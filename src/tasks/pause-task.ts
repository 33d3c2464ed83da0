import { LockMode } from '@mikro-orm/core';
import { Contract } from '../contracts/contract.entity.ts';
import { Command } from '../daemons/command.entity.ts';
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
import { stopAgent } from './task.service.ts';

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
  moveTask(tx, task, 'PAUSED', by);
  command(tx, task, 'PAUSE_TASK');
}

/**
 * Lets a paused task go on: its agent where its daemon is connected, else a new attempt that starts from the last
 * checkpoint.
 * @throws DomainError INVALID_TRANSITION when it is not paused, BUDGET_EXCEEDED
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
          `Task ${task.id} is ${task.status}; only one that is PAUSED can be resumed. One that is WAITING is woken by sendMessage.`,
        );
      }
      await assertWithinBudget(tx, task);
      await assertNotRewound(tx, task);
      await resumeLocked(tx, task, actorName(op.principal));
      recordHistory(tx, op, { action: 'resumed', contractId: task.contractId, taskId: task.id });
      return task.id;
    });
    return task;
  });
}

/** @throws DomainError INVALID_TRANSITION */
export async function assertNotRewound(tx: Transaction, task: Task): Promise<void> {
  if (!(await isBeingRewound(tx, task))) return;
  throw new DomainError(
    'INVALID_TRANSITION',
    `The working copy of task ${task.id} is being rewound. Try again in a moment.`,
  );
}

async function assertWithinBudget(tx: Transaction, task: Task): Promise<void> {
  const contract = await tx.em.findOneOrFail(Contract, { id: task.contractId });
  if (!contract.budgetQuestionId) return;
  throw new DomainError(
    'BUDGET_EXCEEDED',
    `The contract ${contract.id} has used up its budget of $${contract.budgetUsd}. Raise it with updateContract.`,
  );
}

/**
 * Lets a locked task that is paused or waits go on: its agent where its daemon is connected, else, or when what its agent
 * knows was taken back, a new attempt.
 */
export async function resumeLocked(tx: Transaction, task: Task, by: string): Promise<void> {
  const daemon = task.daemonId ? await tx.em.findOne(Daemon, { id: task.daemonId }) : null;
  const isThere = daemon !== null && daemon.status !== 'DISCONNECTED';
  if (isThere && !task.startsAnew) {
    moveTask(tx, task, 'RUNNING', by);
    command(tx, task, 'RESUME_TASK');
    return;
  }
  if (isThere) stopAgent(tx, task, 'CANCELLED', 0);
  moveTask(tx, task, 'PENDING', by, { daemonId: null });
}

/**
 * A message has come for a locked task. An agent that has conversations is woken by it when it waits, or told to look; one
 * that is a command reads its inbox by itself. Past the budget of the contract, and while it is rewound, nobody is woken.
 * @param wakesPaused whether also one that is paused goes on
 */
export async function messageArrived(
  tx: Transaction,
  task: Task,
  by: string,
  wakesPaused: boolean,
): Promise<void> {
  if (typeof task.sessionId !== 'string' && !task.startsAnew) return;
  if (task.status === 'RUNNING') return command(tx, task, 'SEND_MESSAGE');
  if (task.status !== 'WAITING' && !(wakesPaused && task.status === 'PAUSED')) return;
  const contract = await tx.em.findOneOrFail(Contract, { id: task.contractId });
  if (contract.status !== 'ACTIVE' || (await isBeingRewound(tx, task))) return;
  if (!contract.budgetQuestionId) await resumeLocked(tx, task, by);
  // Only the budget still keeps it from going on.
  else task.heldByBudget = task.status === 'PAUSED';
}

/** Whether a connected daemon is about to take its working copy back to a checkpoint. */
export async function isBeingRewound(tx: Transaction, task: Task): Promise<boolean> {
  const open = await tx.em.find(Command, {
    taskId: task.id,
    type: 'REWIND_WORKTREE',
    status: { $in: ['PENDING', 'ACCEPTED'] },
  });
  const daemons = await tx.em.find(Daemon, { id: { $in: open.map(({ daemonId }) => daemonId) } });
  return daemons.some(({ status }) => status !== 'DISCONNECTED');
}

function command(tx: Transaction, task: Task, type: 'PAUSE_TASK' | 'RESUME_TASK' | 'SEND_MESSAGE'): void {
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
    moveTask(tx, task, 'INTERRUPTED', 'daemon');
    moveTask(tx, task, 'PENDING', 'daemon', { daemonId: null });
  },
};
