import type { EntityManager } from '../platform/database.ts';
import { DomainError, notFound } from '../platform/errors.ts';
import type { Id } from '../platform/ids.ts';
import { Task } from './task.entity.ts';
import { TaskAttempt } from './task-attempt.entity.ts';

/**
 * The task of an attempt for its daemon: only the one that has the present attempt may act for it.
 * @throws DomainError NOT_FOUND for an attempt that never was this daemon's, STALE_ATTEMPT
 */
export async function findAttempt(
  em: EntityManager,
  daemonId: Id<'daemon'>,
  taskId: Id<'task'>,
  attempt: number,
): Promise<Task> {
  const known = await em.findOne(TaskAttempt, { taskId, attempt, daemonId });
  if (!known) throw notFound('task', taskId);
  const task = await em.findOneOrFail(Task, { id: taskId });
  if (task.attempt === attempt) return task;
  throw new DomainError(
    'STALE_ATTEMPT',
    `Task ${taskId} is at attempt ${task.attempt}; attempt ${attempt} may not act any more. Stop its agent.`,
  );
}
