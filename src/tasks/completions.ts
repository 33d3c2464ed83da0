import type { Id } from '../platform/ids.ts';
import type { Runtime } from '../platform/runtime.ts';
import type { Task } from './task.entity.ts';

type Hear = (task: Task) => void;

const waiting = new WeakMap<Runtime, Map<Id<'task'>, Set<Hear>>>();

/**
 * Hears of a task that is completed by a call to this instance, as it was committed, before the doorbell rings of it. What
 * other instances complete is not heard here: the doorbell tells of it, and it is read. Returns how to stop.
 */
export function onCompletion(runtime: Runtime, taskId: Id<'task'>, hear: Hear): () => void {
  const byTask = waiting.get(runtime) ?? new Map<Id<'task'>, Set<Hear>>();
  waiting.set(runtime, byTask);
  const hearing = byTask.get(taskId) ?? new Set();
  byTask.set(taskId, hearing);
  hearing.add(hear);
  return () => {
    hearing.delete(hear);
    if (hearing.size === 0 && byTask.get(taskId) === hearing) byTask.delete(taskId);
  };
}

/** Gives a task that was completed, and has been committed so, to those who wait for it here. */
export function tellCompletion(runtime: Runtime, task: Task): void {
  for (const hear of waiting.get(runtime)?.get(task.id) ?? []) hear(task);
}
