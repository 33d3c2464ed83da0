import type { Checkpoint } from '../checkpoints/checkpoint.entity.ts';
import { CheckpointDiff } from '../checkpoints/checkpoint-diff.entity.ts';
import { issueCommand } from '../daemons/command.service.ts';
import type { Daemon } from '../daemons/daemon.entity.ts';
import { authorize } from '../keys/permissions.ts';
import { type TaskDiffPayload, type TaskDiffResult, taskDiffResultSchema } from '../platform/protocol.ts';
import type { Operation } from '../platform/runtime.ts';
import { boundedInt } from '../platform/text.ts';
import { transact } from '../platform/transaction.ts';
import { findTask } from '../tasks/task.access.ts';
import type { Task } from '../tasks/task.entity.ts';
import {
  CopyGoneError,
  connectedWorktree,
  daemonAnswer,
  daemonOf,
  daemonTimeout,
  unlessGone,
} from './daemon-answer.ts';
import { lastCheckpoint } from './last-checkpoint.ts';
import { noCopyYet } from './made-copy.ts';
import { Worktree } from './worktree.entity.ts';

export interface TaskDiff extends TaskDiffResult {
  readonly task: Task;
  /** The checkpoint it is of, since the daemon is gone; null: it is of the working copy as it is now. */
  readonly checkpointId: Checkpoint['id'] | null;
}

/**
 * What a task's working copy has changed since its base: asked of its daemon, or, when that or the copy is gone, as of
 * the last checkpoint.
 * @param maxBytes of the patch; what is beyond is cut and marked
 * @throws DomainError INVALID_TRANSITION before there is a working copy, NO_DAEMON, DAEMON_TIMEOUT
 */
export async function taskDiff(op: Operation, taskId: string, maxBytes: number): Promise<TaskDiff> {
  authorize(op.principal, 'inspect');
  boundedInt(maxBytes, 'maxBytes', 1, 8 * 1_024 * 1_024);
  const task = await findTask(op.em, op.principal, taskId);
  if (!task.worktreeId) throw noCopyYet(task);
  const worktree = await op.em.findOneOrFail(Worktree, { id: task.worktreeId });
  const daemon = await daemonOf(op.em, worktree);
  const asked = daemon && (await askDaemon(op, task, worktree, daemon, maxBytes));
  if (asked && !(asked instanceof CopyGoneError)) return { ...asked, task, checkpointId: null };
  const saved = await savedDiff(op, worktree, maxBytes);
  if (saved) return { ...saved, task };
  if (asked) throw asked;
  await connectedWorktree(op.em, worktree.id);
  throw daemonTimeout();
}

async function askDaemon(
  op: Operation,
  task: Task,
  worktree: Worktree,
  daemon: Daemon,
  maxBytes: number,
): Promise<TaskDiffResult | CopyGoneError> {
  const payload: TaskDiffPayload = { taskId: task.id, worktreeId: worktree.id, maxBytes };
  const commandId = await transact(op.runtime, async (tx) =>
    issueCommand(tx, {
      daemonId: daemon.id,
      taskId: task.id,
      attempt: task.attempt,
      type: 'GET_TASK_DIFF',
      payload: { ...payload },
    }),
  );
  const diff = await daemonAnswer(op, commandId, taskDiffResultSchema).catch(unlessGone);
  if (!diff) throw daemonTimeout();
  return diff;
}

async function savedDiff(
  op: Operation,
  worktree: Worktree,
  maxBytes: number,
): Promise<Omit<TaskDiff, 'task'> | null> {
  const checkpoint = await lastCheckpoint(op.em, worktree);
  const diff = checkpoint && (await op.em.findOne(CheckpointDiff, { checkpointId: checkpoint.id }));
  if (!diff) return null;
  const bytes = Buffer.from(diff.patch);
  const isCut = bytes.length > maxBytes;
  return {
    // What is cut in the middle of a character ends before it.
    patch: isCut ? new TextDecoder().decode(bytes.subarray(0, maxBytes), { stream: true }) : diff.patch,
    files: diff.files,
    linesAdded: diff.linesAdded,
    linesRemoved: diff.linesRemoved,
    truncated: diff.truncated || isCut,
    baseSha: checkpoint.baseSha,
    headSha: checkpoint.commitSha,
    checkpointId: checkpoint.id,
  };
}
