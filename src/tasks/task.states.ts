import { DomainError } from '../platform/errors.ts';

/**
 * The states of a task and the only moves between them. Spec: a total table, so that a state that is added and
 * forgotten somewhere does not compile.
 *
 * PENDING       waits for a daemon
 * STARTING      claimed by a daemon that has not reported yet
 * RUNNING       its agent runs
 * PAUSED        no agent process, by request, phase guard or budget
 * WAITING       a supervisor whose turn ended while its contract is open
 * INTERRUPTED   its daemon is lost or gave it back; about to be retried or failed
 * CANCELLING    to be cancelled; the daemon has not confirmed that its process group is gone
 * CANCELLED, DONE, FAILED, MERGED   completed
 */
export const TASK_STATUSES = [
  'PENDING',
  'STARTING',
  'RUNNING',
  'PAUSED',
  'WAITING',
  'INTERRUPTED',
  'CANCELLING',
  'CANCELLED',
  'DONE',
  'FAILED',
  'MERGED',
] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

// From RUNNING and from the completed states, PENDING is reached by `resumeSupervisor` and `retryTask` only.
const MOVES: Record<TaskStatus, readonly TaskStatus[]> = {
  PENDING: ['STARTING', 'CANCELLED'],
  STARTING: ['PENDING', 'RUNNING', 'INTERRUPTED', 'DONE', 'FAILED', 'CANCELLING'],
  RUNNING: ['PAUSED', 'WAITING', 'INTERRUPTED', 'DONE', 'FAILED', 'CANCELLING', 'PENDING'],
  PAUSED: ['RUNNING', 'PENDING', 'DONE', 'CANCELLED'],
  WAITING: ['RUNNING', 'PENDING', 'DONE', 'CANCELLED'],
  INTERRUPTED: ['PENDING', 'FAILED', 'CANCELLED'],
  CANCELLING: ['CANCELLED'],
  CANCELLED: ['PENDING'],
  DONE: ['MERGED', 'PENDING'],
  FAILED: ['PENDING'],
  MERGED: ['PENDING'],
};

export function canMove(from: TaskStatus, to: TaskStatus): boolean {
  return MOVES[from].includes(to);
}

/** @throws DomainError INVALID_TRANSITION */
export function assertMove(taskId: string, from: TaskStatus, to: TaskStatus): void {
  if (canMove(from, to)) return;
  const able = TASK_STATUSES.filter((status) => canMove(status, to)).join(', ');
  throw new DomainError(
    'INVALID_TRANSITION',
    `Task ${taskId} is ${from} and cannot become ${to}; only one that is ${able} can.`,
    { extensions: { from, to } },
  );
}

/** Nothing more happens to a completed task by itself. */
const COMPLETED: Record<TaskStatus, boolean> = {
  PENDING: false,
  STARTING: false,
  RUNNING: false,
  PAUSED: false,
  WAITING: false,
  INTERRUPTED: false,
  CANCELLING: false,
  CANCELLED: true,
  DONE: true,
  FAILED: true,
  MERGED: true,
};

export function isCompleted(status: TaskStatus): boolean {
  return COMPLETED[status];
}
