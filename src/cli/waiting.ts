import {
  type TaskStatus,
  WaitForTasksDocument,
  type WaitForTasksQuery,
} from '../client/generated/graphql.ts';
import { deadlineIn, sliceUntil, WAITING_PATIENCE_MS } from '../client/slices.ts';
import type { Api } from './api.ts';

export type WaitedTask = WaitForTasksQuery['waitForTasks'][number];

/**
 * Waits in slices until the tasks have completed, or the first of them with `any`, telling each as it completes.
 * @returns those that have not completed in time
 */
export async function waitForTasks(
  api: Api,
  taskIds: readonly string[],
  options: { timeoutSeconds: number | undefined; any: boolean; onCompleted: (task: WaitedTask) => void },
): Promise<string[]> {
  const deadline = deadlineIn(options.timeoutSeconds);
  const open = new Set(taskIds);
  while (open.size > 0) {
    const seconds = sliceUntil(deadline);
    if (seconds === 0) break;
    const variables = { taskIds: [...open], mode: 'ANY' as const, timeoutSeconds: seconds };
    const { waitForTasks: tasks } = await api.call(WaitForTasksDocument, variables, {
      timeoutMs: (seconds + 15) * 1_000,
      patienceMs: WAITING_PATIENCE_MS,
    });
    for (const task of tasks) {
      if (!task.completed || !open.delete(task.task.id)) continue;
      options.onCompleted(task);
      if (options.any) return [];
    }
  }
  return [...open];
}

/** A task that did what it was for. */
export function succeeded(status: TaskStatus): boolean {
  return status === 'DONE' || status === 'MERGED';
}
