import { Direct } from '../platform/direct.ts';
import type { Id } from '../platform/ids.ts';
import type { Runtime } from '../platform/runtime.ts';
import type { Task } from './task.entity.ts';

const completions = new Direct<Id<'task'>, Task>();

/**
 * Hears of a task that a daemon's report to this instance completed, as it was committed, before the doorbell rings of it.
 * @returns how to stop
 */
export function onCompletion(runtime: Runtime, taskId: Id<'task'>, hear: (task: Task) => void): () => void {
  return completions.onGiven(runtime, taskId, hear);
}

/** Gives a task that was completed, and has been committed so, to those who wait for it here. */
export function tellCompletion(runtime: Runtime, task: Task): void {
  completions.give(runtime, task.id, task);
}
