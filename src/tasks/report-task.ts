import { sql } from 'kysely';
import { Contract } from '../contracts/contract.entity.ts';
import { callingDaemonId } from '../daemons/command.service.ts';
import { topics } from '../platform/doorbell.ts';
import { DomainError, invalidInput, notFound } from '../platform/errors.ts';
import { type Id, parseId, toUuid } from '../platform/ids.ts';
import { actorName } from '../platform/principal.ts';
import { readTogether, rowOf } from '../platform/read-rows.ts';
import type { Operation } from '../platform/runtime.ts';
import { checkedText, optionalText } from '../platform/text.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { Worktree } from '../worktrees/worktree.entity.ts';
import { tellCompletion } from './completions.ts';
import { interruptTask } from './interrupt-task.ts';
import { messageArrived } from './pause-task.ts';
import { Task } from './task.entity.ts';
import { moveTask } from './task.moves.ts';
import { isCompleted } from './task.states.ts';
import { TaskAttempt } from './task-attempt.entity.ts';
import { TaskMessage } from './task-message.entity.ts';

export const REPORTED_STATUSES = [
  'RUNNING',
  'WAITING',
  'DONE',
  'FAILED',
  'INTERRUPTED',
  'CANCELLED',
] as const;
export type ReportedStatus = (typeof REPORTED_STATUSES)[number];

export interface TaskReport {
  readonly taskId: string;
  readonly attempt: number;
  readonly status: ReportedStatus;
  /** How many output entries this attempt has sent: a report of an end waits for the last of them. */
  readonly outputCount: number;
  readonly worktree?: WorktreeReport | null | undefined;
  readonly sessionId?: string | null | undefined;
  readonly outputSummary?: string | null | undefined;
  readonly errorMessage?: string | null | undefined;
}

export interface WorktreeReport {
  readonly id: string;
  readonly path: string;
  readonly branch: string;
  readonly baseBranch?: string | null | undefined;
  readonly baseSha: string;
}

/**
 * A daemon reports what became of a task. The same report again changes nothing.
 * @throws DomainError STALE_ATTEMPT when the task was started again since, OUTPUT_GAP when output is missing,
 * INVALID_TRANSITION when the report does not fit the state
 */
export async function reportTask(op: Operation, report: TaskReport): Promise<Task> {
  const daemonId = callingDaemonId(op);
  const taskId = parseId('task', report.taskId, 'taskId');
  const summary = clean(report.outputSummary, 20_000);
  const error = clean(report.errorMessage, 20_000);
  return transact(op.runtime, async (tx) => {
    const { task, attempt } = await lockAttempt(tx, { taskId, attempt: report.attempt, daemonId });
    // Given back before, and its reply was lost.
    if (task.status === 'PENDING' && task.attempt === report.attempt && repeatsReturn(report, attempt))
      return task;
    // Back to PENDING the attempt is over, although no other has begun.
    if (task.attempt !== report.attempt || task.status === 'PENDING') {
      throw new DomainError(
        'STALE_ATTEMPT',
        `Task ${taskId} is at attempt ${task.attempt}; attempt ${report.attempt} may not act any more. Stop its agent.`,
        { extensions: { attempt: task.attempt } },
      );
    }
    if (report.status !== 'RUNNING') {
      if (attempt.nextOutputIndex < report.outputCount)
        throw missingOutput(attempt.nextOutputIndex, report.outputCount);
      tx.ride(
        () => sql`
          update task_attempt set ended_at = ${tx.now.toISOString()}
          where task_id = ${toUuid(taskId)} and attempt = ${report.attempt} and ended_at is null`,
      );
    }
    const by = actorName(op.principal);
    if (report.worktree) await recordWorktree(tx, task, report.worktree);
    if (report.sessionId) {
      task.sessionId = checkedText(report.sessionId, 'sessionId', 1_000);
      task.sessionDaemonId = daemonId;
    }
    const wasCompleted = isCompleted(task.status);
    await apply(tx, task, report.status, by, summary, error);
    if (!wasCompleted && isCompleted(task.status)) tx.afterCommit(() => tellCompletion(op.runtime, task));
    return task;
  });
}

/** Locks both, in the order of those who store output: what is written of them goes along with the log. */
async function lockAttempt(
  tx: Transaction,
  of: { taskId: Id<'task'>; attempt: number; daemonId: Id<'daemon'> },
): Promise<{ task: Task; attempt: TaskAttempt }> {
  const lock = { lock: 'no key update' } as const;
  const { task, attempt } = await readTogether(tx.statements, {
    task: rowOf(tx.statements, Task, { id: of.taskId }, lock),
    attempt: rowOf(tx.statements, TaskAttempt, of, lock),
  });
  if (!task || !attempt) throw notFound('task', of.taskId);
  return { task: tx.follow(Task, task), attempt };
}

function repeatsReturn(report: TaskReport, attempt: TaskAttempt): boolean {
  return report.status === 'INTERRUPTED' && Boolean(attempt.endedAt);
}

async function apply(
  tx: Transaction,
  task: Task,
  reported: ReportedStatus,
  by: string,
  summary: string | null,
  error: string | null,
): Promise<void> {
  if (isCompleted(task.status) || task.status === reported) return;
  if (task.status === 'CANCELLING') {
    // Whatever ended it, its process group is gone, and cancelled is what was asked for.
    if (reported !== 'RUNNING' && reported !== 'WAITING') {
      moveTask(tx, task, 'CANCELLED', by, task.cancelReason ? { errorMessage: task.cancelReason } : {});
    }
    return;
  }
  // Paused or waiting it holds no process anyway: without its daemon it simply has to be started anew to go on.
  const rests = task.status === 'PAUSED' || task.status === 'WAITING';
  if (rests && reported !== 'DONE' && reported !== 'FAILED') return;
  const outputSummary = task.finishSummary ?? summary ?? task.outputSummary ?? null;
  switch (reported) {
    case 'RUNNING':
      return moveTask(tx, task, 'RUNNING', by);
    case 'WAITING':
      if (task.role !== 'SUPERVISOR') {
        throw new DomainError(
          'INVALID_TRANSITION',
          `Task ${task.id} is no supervisor, and only they wait. Report DONE.`,
        );
      }
      // Whoever has completed its contract waits for nothing any more.
      if ((await tx.em.findOneOrFail(Contract, { id: task.contractId })).status !== 'ACTIVE')
        return moveTask(tx, task, 'DONE', by, { outputSummary });
      moveTask(tx, task, 'WAITING', by, { outputSummary });
      // What came while it ended its turn reached nobody.
      if ((await tx.em.count(TaskMessage, { taskId: task.id, deliveredAt: null })) > 0)
        await messageArrived(tx, task, by, false);
      return;
    case 'DONE':
      if (task.finishSuccess !== false) return moveTask(tx, task, 'DONE', by, { outputSummary });
      return moveTask(tx, task, 'FAILED', by, {
        outputSummary,
        errorMessage: task.finishSummary ?? 'The agent said so.',
      });
    case 'FAILED':
      return moveTask(tx, task, 'FAILED', by, { outputSummary, errorMessage: error ?? 'The agent failed.' });
    case 'INTERRUPTED':
      return interruptTask(tx, task, by, error ?? 'The daemon gave it back.');
    case 'CANCELLED':
      // The daemon ended an agent nobody asked it to end: the same as giving the task back.
      return interruptTask(tx, task, by, error ?? 'The daemon stopped it.');
  }
}

async function recordWorktree(tx: Transaction, task: Task, report: WorktreeReport): Promise<void> {
  const id = parseId('worktree', report.id, 'worktree.id');
  const worktree = await tx.em.findOne(Worktree, { id, contractId: task.contractId });
  if (!worktree || worktree.id !== task.worktreeId) throw notFound('worktree', id);
  if (!/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(report.baseSha)) {
    throw invalidInput('worktree.baseSha', 'baseSha is not the id of a commit.');
  }
  const baseBranch = optionalText(report.baseBranch, 'worktree.baseBranch', 250);
  // Tasks that share the copy have waited for it.
  if (!worktree.path) tx.ring(topics.schedule);
  // Those who share a copy report the same; the base is where it was first.
  worktree.path = checkedText(report.path, 'worktree.path', 4_000);
  worktree.branch = checkedText(report.branch, 'worktree.branch', 250);
  worktree.baseBranch ??= baseBranch;
  worktree.baseSha ??= report.baseSha;
}

export function missingOutput(nextIndex: number, sent: number): DomainError {
  return new DomainError(
    'OUTPUT_GAP',
    `Output ${nextIndex} to ${sent - 1} has not arrived. Send it from ${nextIndex} on.`,
    {
      extensions: { nextIndex },
    },
  );
}

/** What an agent printed last can hold anything; it is cut to what the database takes. */
function clean(text: string | null | undefined, maxLength: number): string | null {
  if (text === null || text === undefined) return null;
  return text.slice(0, maxLength).toWellFormed().replaceAll('\0', '\uFFFD') || null;
}
