import {
  type TaskStatus,
  WaitForTasksDocument,
  type WaitForTasksQuery,
} from '../client/generated/graphql.ts';
import type { Api } from './api.ts';

export type WaitedTask = WaitForTasksQuery['waitForTasks'][number];

/** One request waits no longer than this, so that no proxy or HTTP client cuts it. */
export const SLICE_SECONDS = 50;

/** Who waits outlives an outage of the server. */
export const WAITING_PATIENCE_MS = 3_600_000;

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

/** When to stop, on the clock that only grows; never without a limit. */
export function deadlineIn(seconds: number | undefined): number {
  return seconds === undefined ? Number.POSITIVE_INFINITY : performance.now() + seconds * 1_000;
}

/** The seconds of the next slice; 0 when the time is up. */
export function sliceUntil(deadline: number): number {
  return Math.max(0, Math.min(SLICE_SECONDS, Math.ceil((deadline - performance.now()) / 1_000)));
}
