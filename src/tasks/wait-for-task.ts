import { sql } from 'kysely';
import { authorize } from '../keys/permissions.ts';
import { kysely } from '../platform/database.ts';
import { topics } from '../platform/doorbell.ts';
import { invalidInput } from '../platform/errors.ts';
import { toUuid } from '../platform/ids.ts';
import { readRows } from '../platform/read-rows.ts';
import type { Operation } from '../platform/runtime.ts';
import { boundedInt } from '../platform/text.ts';
import { waitUntil } from '../platform/waiting.ts';
import { onCompletion } from './completions.ts';
import { findTask } from './task.access.ts';
import { Task } from './task.entity.ts';
import { isCompleted } from './task.states.ts';

export interface WaitResult {
  readonly task: Task;
  readonly completed: boolean;
  readonly timedOut: boolean;
}

export type WaitMode = 'ALL' | 'ANY';
const MAX_TASKS = 200;

/**
 * Waits until all, or any, of the tasks are completed, or the time is up. Nothing is held meanwhile but a listener on
 * the doorbell, and not even that once the client has gone.
 * @param timeoutSeconds 1 to 3,600
 */
export async function waitForTasks(
  op: Operation,
  taskIds: readonly string[],
  mode: WaitMode,
  timeoutSeconds: number,
): Promise<WaitResult[]> {
  authorize(op.principal, 'read');
  boundedInt(timeoutSeconds, 'timeoutSeconds', 1, 3_600);
  if (taskIds.length === 0) throw invalidInput('taskIds', 'taskIds is empty. Name at least one task.');
  if (taskIds.length > MAX_TASKS)
    throw invalidInput('taskIds', `At most ${MAX_TASKS} tasks can be waited for at once.`);
  const ids = [...new Set(taskIds)];
  const found: Task[] = [];
  for (const id of ids)
    found.push(await findTask(op.em, op.principal, id, taskIds.length === 1 ? 'taskId' : 'taskIds'));
  const read = async () => {
    const tasks = await readRows(op.runtime.db.statements, Task, { id: taskIds }, 'id');
    const byId = new Map(tasks.map((task) => [task.id as string, task]));
    return taskIds.map((id) => byId.get(id)).filter((task) => task !== undefined);
  };
  // Of several tasks the others would have to be read anyway.
  let committed: Task | undefined;
  const [only, ...others] = found;
  const stop =
    only && others.length === 0
      ? onCompletion(op.runtime, only.id, (task) => {
          committed = task;
        })
      : null;
  const topicNames = ids.map((id) => topics.task(id));
  const ended = await waitUntil(op.runtime, topicNames, timeoutSeconds * 1_000, op.signal, async () => {
    const known = committed;
    if (known) return taskIds.map(() => known);
    const tasks = await read();
    const completed = tasks.filter((task) => isCompleted(task.status)).length;
    return (mode === 'ALL' ? completed === tasks.length : completed > 0) ? tasks : null;
  }).finally(() => stop?.());
  const tasks = ended ?? (await read());
  if (op.principal.kind === 'SUPERVISOR') await markTold(op, tasks);
  return tasks.map((task) => {
    const completed = isCompleted(task.status);
    return { task, completed, timedOut: ended === null && !completed };
  });
}

/** The supervisor hears of these completions by this answer: it need not be sent a message as well. */
async function markTold(op: Operation, tasks: readonly Task[]): Promise<void> {
  const news = tasks.filter((task) => isCompleted(task.status) && !task.toldAt).map(({ id }) => toUuid(id));
  if (news.length === 0) return;
  await sql`
    update task set told_at = ${op.runtime.clock.now().toISOString()}
    where id = any(${news}::uuid[]) and told_at is null and status in ('DONE', 'FAILED', 'CANCELLED', 'MERGED')`.execute(
    kysely(op.runtime.db.statements),
  );
}
