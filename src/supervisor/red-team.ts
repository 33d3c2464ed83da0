import { type RawBuilder, sql } from 'kysely';
import { lockContractRow } from '../contracts/contract.access.ts';
import type { Contract } from '../contracts/contract.entity.ts';
import { topics } from '../platform/doorbell.ts';
import { type Id, newId } from '../platform/ids.ts';
import { oneByOne } from '../platform/one-by-one.ts';
import { idsOf } from '../platform/read-rows.ts';
import type { Runtime } from '../platform/runtime.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { redTeamPlan } from '../scheduler/briefing.ts';
import { Task } from '../tasks/task.entity.ts';
import { logTask } from '../tasks/task.moves.ts';

/**
 * Contracts that want a red team and have none, when the first of their work tasks has been given to a daemon.
 * @param among what else must hold of contract `c`: begins with `and`
 */
export const redTeamsDue = (among: RawBuilder<unknown>) =>
  idsOf(
    'contract',
    sql`
      select c.id from contract c
      where c.status = 'ACTIVE' and c.red_team_enabled ${among}
        and exists (select 1 from task t where t.contract_id = c.id and t.role = 'WORK' and t.attempt > 0)
        and not exists (select 1 from task r where r.contract_id = c.id and r.role = 'RED_TEAM')`,
  );

/** Adds the red team of a contract: once, and apart from the tasks, which it cannot hold up. */
export async function spawnRedTeams(runtime: Runtime, due: readonly Id<'contract'>[]): Promise<void> {
  await oneByOne(runtime, 'adding a red team', due, (id) =>
    transact(runtime, async (tx) => {
      // One instance after the other, and none beside a completion.
      const contract = await lockContractRow(tx, id);
      const where = { contractId: contract.id, role: 'RED_TEAM' as const };
      if (contract.status === 'ACTIVE' && (await tx.em.count(Task, where)) === 0) add(tx, contract);
    }),
  );
}

function add(tx: Transaction, contract: Contract): void {
  const task = tx.em.create(Task, {
    id: newId('task'),
    ownerId: contract.ownerId,
    contractId: contract.id,
    name: 'Red team',
    plan: redTeamPlan(contract),
    role: 'RED_TEAM',
    agent: contract.redTeamAgent ?? contract.agent,
    createdAt: tx.now,
    updatedAt: tx.now,
  });
  logTask(tx, task, 'TASK_CREATED', [], 'supervision');
  tx.ring(topics.schedule);
}
