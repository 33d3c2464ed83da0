import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { logEvent } from '../events/append.ts';
import { kysely } from '../platform/database.ts';
import { fromUuid, type Id, toUuid } from '../platform/ids.ts';
import { allOneByOne } from '../platform/one-by-one.ts';
import type { Runtime } from '../platform/runtime.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { storeMessage } from '../tasks/message.service.ts';
import { Task } from '../tasks/task.entity.ts';
import { isCompleted } from '../tasks/task.states.ts';

/** Silence of a running task after which the log says so. Milliseconds. */
export const STALL_MS = 10 * 60_000;

/** Notices running tasks that have been silent for long: an event and a word to the supervisor, once
 * per silence, and nothing else. */
export async function noticeStalledTasks(runtime: Runtime): Promise<void> {
  const before = new Date(runtime.clock.now().getTime() - STALL_MS).toISOString();
  const read = async (after: string | null) => {
    const { rows } = await sql<{ id: string; attempt: number }>`
      select t.id, a.attempt from task t join task_attempt a on a.task_id = t.id and a.attempt = t.attempt
      where t.status = 'RUNNING' and a.stalled_at is null and coalesce(a.last_output_at, a.started_at) < ${before}
        and (${after}::uuid is null or t.id > ${after}::uuid)
      order by t.id limit 200`.execute(kysely(runtime.db.statements));
    return rows;
  };
  await allOneByOne(runtime, 'noticing a silent task', read, ({ id, attempt }) =>
    notice(runtime, fromUuid('task', id), attempt),
  );
}

function notice(runtime: Runtime, taskId: Id<'task'>, attempt: number): Promise<void> {
  return transact(runtime, async (tx) => {
    const task = await tx.em.findOneOrFail(Task, { id: taskId });
    // Tasks are locked before what belongs to them.
    const supervisor = task.role === 'WORK' ? await lockSupervisor(tx, task) : null;
    // One of several instances that sweep at once marks it, and only that one tells.
    const marked = await sql`
      update task_attempt set stalled_at = ${tx.now.toISOString()}
      where task_id = ${toUuid(taskId)} and attempt = ${attempt} and stalled_at is null returning 1 as marked`.execute(
      kysely(tx.statements),
    );
    if (marked.rows.length === 0) return;
    logEvent(tx, task.contractId, { type: 'TASK_STALLED', taskId, data: {} });
    if (supervisor && !isCompleted(supervisor.status)) await tell(tx, supervisor, task);
  });
}

function lockSupervisor(tx: Transaction, { contractId }: Task): Promise<Task | null> {
  const where = { contractId, role: 'SUPERVISOR' as const };
  return tx.em.findOne(Task, where, { lockMode: LockMode.PESSIMISTIC_WRITE });
}

async function tell(tx: Transaction, supervisor: Task, task: Task): Promise<void> {
  const minutes = STALL_MS / 60_000;
  const text = `Task "${task.name}" (${task.id}) has been silent for ${minutes} minutes. It goes on: look at its output, wait, or cancel it.`;
  await storeMessage(tx, supervisor, { sender: 'SYSTEM', by: 'scheduler' }, text);
}
