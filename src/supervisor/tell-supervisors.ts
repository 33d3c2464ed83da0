import { LockMode } from '@mikro-orm/core';
import { type RawBuilder, sql } from 'kysely';
import { kysely } from '../platform/database.ts';
import { fromUuid, type Id, toUuid } from '../platform/ids.ts';
import { oneByOne } from '../platform/one-by-one.ts';
import { idsOf } from '../platform/read-rows.ts';
import type { Runtime } from '../platform/runtime.ts';
import { transact } from '../platform/transaction.ts';
import { storeMessage } from '../tasks/message.service.ts';
import { Task } from '../tasks/task.entity.ts';
import type { TaskStatus } from '../tasks/task.states.ts';

/**
 * Supervisors that WAIT, with tasks that completed and that they have not heard of.
 * @param among what else must hold of contract `c`: begins with `and`
 */
export const newsDue = (among: RawBuilder<unknown>) =>
  idsOf(
    'task',
    sql`
      select s.id from task s join contract c on c.id = s.contract_id
      where s.role = 'SUPERVISOR' and s.status = 'WAITING' and c.status = 'ACTIVE' ${among} and exists (
        select 1 from task t where t.contract_id = s.contract_id and t.role = 'WORK' and t.told_at is null
          and t.status in ('DONE', 'FAILED', 'CANCELLED', 'MERGED'))`,
  );

/**
 * Tells supervisors of their completed tasks: nobody waits for news that never comes. One that runs hears by waiting for
 * its tasks, or as soon as its turn ends.
 */
export async function tellSupervisors(runtime: Runtime, due: readonly Id<'task'>[]): Promise<void> {
  await oneByOne(runtime, 'telling a supervisor', due, (id) => tell(runtime, id));
}

interface News {
  id: string;
  name: string;
  status: TaskStatus;
  output_summary: string | null;
  error_message: string | null;
}

function tell(runtime: Runtime, supervisorId: Id<'task'>): Promise<void> {
  return transact(runtime, async (tx) => {
    const supervisor = await tx.em.findOne(
      Task,
      { id: supervisorId, status: 'WAITING' },
      { lockMode: LockMode.PESSIMISTIC_WRITE },
    );
    if (!supervisor) return;
    const { rows } = await sql<News>`
      update task set told_at = ${tx.now.toISOString()}
      where contract_id = ${toUuid(supervisor.contractId)} and role = 'WORK' and told_at is null
        and status in ('DONE', 'FAILED', 'CANCELLED', 'MERGED')
      returning id, name, status, output_summary, error_message`.execute(kysely(tx.statements));
    if (rows.length === 0) return;
    await storeMessage(
      tx,
      supervisor,
      { sender: 'SYSTEM', by: 'supervision' },
      rows.map(newsOf).join('\n\n'),
    );
  });
}

function newsOf(task: News): string {
  const what = task.status === 'FAILED' ? task.error_message : task.output_summary;
  const title = `Task "${task.name}" (${fromUuid('task', task.id)}) is ${task.status}.`;
  return what ? `${title}\n${what}` : title;
}
