import { logEvent } from '../events/append.ts';
import type { OutputData, OutputType } from '../events/event-types.ts';
import type { Transaction } from '../platform/transaction.ts';
import type { Task } from './task.entity.ts';

/** Adds an entry to a task's output that the server itself says, under the present attempt unless another is named. */
export function logOutput(
  tx: Transaction,
  task: Task,
  type: OutputType,
  content: string,
  more: Partial<OutputData> = {},
): void {
  logEvent(tx, task.contractId, {
    type: 'OUTPUT',
    taskId: task.id,
    data: {
      attempt: task.attempt,
      role: task.role,
      type,
      content,
      isError: type === 'ERROR',
      createdAt: tx.now.toISOString(),
      ...more,
    },
  });
}
