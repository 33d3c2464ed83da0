import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { kysely } from '../../src/platform/database.ts';
import { type Id, toUuid } from '../../src/platform/ids.ts';
import { transact } from '../../src/platform/transaction.ts';
import { candidates } from '../../src/scheduler/claim.ts';
import type { Api } from '../support/api.ts';
import { HandDaemon, openContract, spawn, untilStatus } from '../support/daemon.ts';
import { embedded } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { rowsOf } from '../support/snapshot.ts';

const { server, newOwner } = await startTestServer({ logLevel: 'silent' });
const uuid = (id: string) => `'${toUuid(id as Id)}'`;

/** A task that waits for the first daemon of its owner. */
async function waiting(owner: Api): Promise<{ contractId: string; taskId: string }> {
  const { contractId } = await openContract(owner, { startSupervisor: false });
  return { contractId, taskId: await spawn(owner, contractId) };
}

/** A queue of tasks, all of them before those of others. */
async function queue(contractId: string, taskId: string, length: number, failed: string[] = []) {
  const same =
    'owner_id, contract_id, depth, name, plan, role, use_own_worktree, repository_path, agent, created_at, updated_at';
  await rowsOf(
    server,
    `insert into task (id, priority, failed_daemons, ${same})
     select gen_random_uuid(), 5, '{${failed.join()}}', ${same} from task, generate_series(1, ${length}) where id = ${uuid(taskId)}`,
  );
  await rowsOf(
    server,
    `update task set status = 'CANCELLED' where id = ${uuid(taskId)} and contract_id = ${uuid(contractId)}`,
  );
}

test('tasks that wait for the one daemon they have not tried keep nobody else from starting', async () => {
  const [owner, other] = [await newOwner(), await newOwner()];
  const full = await HandDaemon.connect(owner, { name: 'full', max: 1, agents: ['none', 'shell'] });
  const { contractId, taskId } = await waiting(owner);
  await full.start(taskId);
  const tried = await HandDaemon.connect(owner, { name: 'tried', max: 5, agents: ['none'] });
  await queue(contractId, await spawn(owner, contractId, { agent: 'none' }), 250, [tried.id]);
  const theirs = await waiting(other);
  const daemon = await HandDaemon.connect(other);
  await daemon.start(theirs.taskId);
  await rowsOf(server, `update task set status = 'CANCELLED' where contract_id = ${uuid(contractId)}`);
});

test('owners come in turns, and none has more candidates than places', async () => {
  const [owner, other] = [await newOwner(), await newOwner()];
  const { contractId, taskId } = await waiting(owner);
  await queue(contractId, taskId, 500);
  await waiting(other);
  await HandDaemon.connect(owner, { max: 3, agents: ['none'] });
  await HandDaemon.connect(other, { max: 10, agents: ['none'] });
  // The scheduler itself must not see what is possible here.
  const found = await transact(server.runtime, async (tx) => {
    const all = sql`select contract_id from task where status = 'PENDING'`;
    await sql`update task set agent = 'none' where contract_id in (${all})`.execute(kysely(tx.em));
    const result = await candidates({ ...server.runtime, db: { ...server.runtime.db, statements: tx.em } });
    await sql`update task set agent = 'shell' where contract_id in (${all})`.execute(kysely(tx.em));
    return result;
  });
  expect(found.map((candidate) => candidate.contractId === contractId)).toEqual([true, false, true, true]);
  await rowsOf(server, `update task set status = 'CANCELLED' where contract_id = ${uuid(contractId)}`);
});

test('a task that cannot be started, whatever the reason, keeps nobody else from starting', async () => {
  const [owner, other] = [await newOwner(), await newOwner()];
  const bad = await waiting(owner);
  await rowsOf(
    server,
    `create function refuse() returns trigger language plpgsql as $$ begin
       if new.task_id = ${uuid(bad.taskId)} then raise exception 'refused by the test'; end if; return new; end $$`,
  );
  await rowsOf(
    server,
    'create trigger refuse before insert on task_attempt for each row execute function refuse()',
  );
  const good = await waiting(other);
  await HandDaemon.connect(owner);
  const daemon = await HandDaemon.connect(other);
  await daemon.start(good.taskId);
  // And with the reason it is over too.
  await rowsOf(server, 'drop trigger refuse on task_attempt');
  await server.scheduler.sweepNow();
  await untilStatus(owner, bad.taskId, 'STARTING');
});

test('of one owner too: the tasks of a contract that fails take no place from those of another', async () => {
  const owner = await newOwner();
  const bad = await waiting(owner);
  await spawn(owner, bad.contractId);
  await rowsOf(
    server,
    `create or replace function refuse() returns trigger language plpgsql as $$ begin
       if (select contract_id from task where id = new.task_id) = ${uuid(bad.contractId)} then raise exception 'refused by the test'; end if;
       return new; end $$`,
  );
  await rowsOf(
    server,
    'create trigger refuse before insert on task_attempt for each row execute function refuse()',
  );
  const good = await waiting(owner);
  const daemon = await HandDaemon.connect(owner, { max: 2 });
  // The first look finds out that they fail, the next one passes them over, though nobody rings.
  await daemon.start(good.taskId);
  await rowsOf(server, 'drop trigger refuse on task_attempt');
});

test.skipIf(embedded)('nor does a contract whose log somebody else holds', async () => {
  const [owner, other] = [await newOwner(), await newOwner()];
  const held = await waiting(owner);
  const good = await waiting(other);
  const released = Promise.withResolvers<void>();
  const isHeld = Promise.withResolvers<void>();
  const holder = transact(server.runtime, async (tx) => {
    const id = toUuid(held.contractId as Id);
    await sql`set local idle_in_transaction_session_timeout = 0`.execute(kysely(tx.em));
    await sql`select 1 from contract_counter where contract_id = ${id} for update`.execute(kysely(tx.em));
    isHeld.resolve();
    await released.promise;
  });
  await isHeld.promise;
  await HandDaemon.connect(owner);
  const daemon = await HandDaemon.connect(other);
  // Both wait for the scheduler: the one that it comes to first is not to be the reason why the other waits.
  await daemon.start(good.taskId);
  released.resolve();
  await holder;
  await server.scheduler.sweepNow();
  await untilStatus(owner, held.taskId, 'STARTING');
});
