import type { Daemon } from '../daemons/daemon.entity.ts';
import type { EntityManager } from '../platform/database.ts';
import { DomainError } from '../platform/errors.ts';
import { isTask, type Principal } from '../platform/principal.ts';
import type { Task } from '../tasks/task.entity.ts';
import { connectedWorktree } from './daemon-answer.ts';
import { Worktree } from './worktree.entity.ts';

/**
 * The working copy of a task, once it has been made, and the connected daemon it is on.
 * @throws DomainError INVALID_TRANSITION before there is one, NO_DAEMON
 */
export async function madeCopy(
  em: EntityManager,
  principal: Principal | null,
  task: Task,
): Promise<{ worktree: Worktree; daemon: Daemon }> {
  const found = task.worktreeId && (await em.findOneOrFail(Worktree, { id: task.worktreeId }));
  // An agent that calls is in its copy already; the daemon's report of the path may still be on its way.
  const isCaller = principal !== null && isTask(principal) && principal.taskId === task.id;
  if (!found || (found.path == null && !isCaller)) {
    throw noCopyYet(task);
  }
  return connectedWorktree(em, found.id);
}

export function noCopyYet({ id, status }: Task): DomainError {
  return new DomainError(
    'INVALID_TRANSITION',
    `Task ${id} is ${status} and has no working copy yet. It gets one with its first start; while it is PENDING its pendingReason says what that waits for.`,
  );
}
