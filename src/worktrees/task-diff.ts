import { issueCommand } from '../daemons/command.service.ts';
import { authorize } from '../keys/permissions.ts';
import { DomainError } from '../platform/errors.ts';
import { type TaskDiffPayload, type TaskDiffResult, taskDiffResultSchema } from '../platform/protocol.ts';
import type { Operation } from '../platform/runtime.ts';
import { boundedInt } from '../platform/text.ts';
import { transact } from '../platform/transaction.ts';
import { findTask } from '../tasks/task.access.ts';
import type { Task } from '../tasks/task.entity.ts';
import { connectedWorktree, daemonAnswer, daemonTimeout } from './daemon-answer.ts';

/**
 * What a task's working copy has changed since its base, asked of its daemon.
 * @param maxBytes of the patch; what is beyond is cut and marked
 * @throws DomainError INVALID_TRANSITION before there is a working copy, NO_DAEMON, DAEMON_TIMEOUT
 */
export async function taskDiff(
  op: Operation,
  taskId: string,
  maxBytes: number,
): Promise<TaskDiffResult & { task: Task }> {
  authorize(op.principal, 'read');
  boundedInt(maxBytes, 'maxBytes', 1, 8 * 1_024 * 1_024);
  const task = await findTask(op.em, op.principal, taskId);
  const { worktreeId } = task;
  if (!worktreeId) {
    throw new DomainError(
      'INVALID_TRANSITION',
      `Task ${task.id} is ${task.status} and has no working copy yet.`,
    );
  }
  const command = await transact(op.runtime, async (tx) => {
    const { daemon } = await connectedWorktree(tx.em, worktreeId);
    const payload: TaskDiffPayload = { taskId: task.id, worktreeId, maxBytes };
    return issueCommand(tx, {
      daemonId: daemon.id,
      taskId: task.id,
      attempt: task.attempt,
      type: 'GET_TASK_DIFF',
      payload: { ...payload },
    });
  });
  const diff = await daemonAnswer(op, command.id, taskDiffResultSchema);
  if (!diff) throw daemonTimeout();
  return { ...diff, task };
}
