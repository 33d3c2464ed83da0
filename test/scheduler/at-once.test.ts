import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { kysely } from '../../src/platform/database.ts';
import type { Id } from '../../src/platform/ids.ts';
import { surroundings } from '../../src/scheduler/surroundings.ts';
import { Api, eventually } from '../support/api.ts';
import { HandDaemon, openContract, spawn, statusOf } from '../support/daemon.ts';
import { embedded } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { countOf, rowsOf } from '../support/snapshot.ts';

// Each test has an owner of its own, so that only its own daemons can take its tasks.
const { server, newOwner, another } = await startTestServer();
const second = embedded ? server : await another();

const FIELDS =
  'task { id status attempt version daemon { name } worktree { branch daemon { name } } pendingReason }';
const spawned = async (api: Api, contractId: string, more: object = {}) => {
  const input = { contractId, name: 'Task', plan: 'work', useOwnWorktree: true, ...more };
  return (await api.mutate('spawnTask', input, FIELDS)).task;
};

test('a task that nobody waits before is STARTING in the answer to spawnTask, as it is stored', async () => {
  const api = await newOwner();
  const daemon = await HandDaemon.connect(api, { name: 'free' });
  const { contractId } = await openContract(api, { startSupervisor: false });
  const task = await spawned(api, contractId);
  expect(task).toMatchObject({ status: 'STARTING', attempt: 1, version: 2, daemon: { name: 'free' } });
  expect(task.worktree.daemon.name).toBe('free');
  const { task: stored } = await api.ask(`query($id: ID!) { ${FIELDS.replace('task', 'task(id: $id)')} }`, {
    id: task.id,
  });
  expect(stored).toEqual(task);
  const events = await rowsOf(
    server,
    `select type, data->>'status' as status, (data->>'version')::int as version, data->>'updatedBy' as by
     from contract_event where task_id = (select id from task order by id desc limit 1) order by sequence`,
  );
  expect(events).toEqual([
    { type: 'TASK_CREATED', status: 'PENDING', version: 1, by: expect.any(String) },
    { type: 'TASK_UPDATED', status: 'STARTING', version: 2, by: 'scheduler' },
  ]);
  await daemon.start(task.id);
  expect(await statusOf(api, task.id)).toBe('RUNNING');
});

test('one that works in the supervisor’s copy starts at once where that is', async () => {
  const api = await newOwner();
  const holder = await HandDaemon.connect(api, { name: 'holder' });
  const { contractId, supervisorId } = await openContract(api);
  const { worktreeId } = await holder.start(supervisorId);
  await HandDaemon.connect(api, { name: 'other' });
  const task = await spawned(api, contractId, { useOwnWorktree: false });
  expect(task).toMatchObject({ status: 'STARTING', daemon: { name: 'holder' } });
  const { payload } = await holder.command('SPAWN_TASK', task.id);
  expect(payload.worktree).toMatchObject({ id: worktreeId, mode: 'SHARED' });
});

test('one that others wait before, or whose contract is past its budget, is PENDING', async () => {
  const api = await newOwner();
  const daemon = await HandDaemon.connect(api, { max: 1 });
  const { contractId } = await openContract(api, { startSupervisor: false });
  const first = await spawned(api, contractId);
  const waiting = await spawned(api, contractId);
  const { contractId: another } = await openContract(api, { startSupervisor: false });
  const later = await spawned(api, another, { priority: -1 });
  expect([first, waiting, later].map(({ status }) => status)).toEqual(['STARTING', 'PENDING', 'PENDING']);
  // There is room, but not for the one that came later.
  await daemon.start(first.id);
  await daemon.finish(first.id, 1);
  await daemon.start(waiting.id);
  expect(await statusOf(api, later.id)).toBe('PENDING');

  const poor = await newOwner();
  await HandDaemon.connect(poor);
  const { contractId: spent } = await openContract(poor, { startSupervisor: false, budgetUsd: 1 });
  await rowsOf(
    server,
    `update contract_counter set cost_usd = 1 where contract_id in (select id from contract where budget_usd = 1)`,
  );
  expect(await spawned(poor, spent)).toMatchObject({ status: 'PENDING', pendingReason: expect.anything() });
});

test('the same request again gives the task that was started, and starts none', async () => {
  const api = await newOwner();
  const daemon = await HandDaemon.connect(api);
  const { contractId } = await openContract(api, { startSupervisor: false });
  const all = await Promise.all(
    Array.from({ length: 10 }, () => spawned(api, contractId, { requestId: 'once' })),
  );
  expect(new Set(all.map(({ id }) => id)).size).toBe(1);
  await daemon.start(all[0].id);
  await server.scheduler.sweepNow();
  expect(daemon.commands.received.map(({ attempt }) => attempt)).toEqual([1]);
});

test('however many are spawned at once, at any instance, a daemon has never more than it takes', async () => {
  const api = await newOwner();
  const elsewhere = new Api(second.url, api.key);
  const daemon = await HandDaemon.connect(api, { max: 2 });
  const { contractId } = await openContract(api, { startSupervisor: false });
  const ours = `role = 'WORK' and contract_id = (select contract_id from task order by id desc limit 1)`;
  const count = embedded ? 8 : 24;
  const ids = await Promise.all(
    Array.from({ length: count }, (_, index) => spawn(index % 2 === 0 ? api : elsewhere, contractId)),
  );
  const ended = new Set<string>();
  while (ended.size < count) {
    const started = await eventually(() => {
      const open = daemon.commands.received.filter(({ task }) => !ended.has(task.id));
      return open.length > 0 && open;
    });
    expect(await countOf(server, 'task', `${ours} and status in ('STARTING', 'RUNNING')`)).toBeLessThan(3);
    // Both places become free at the same moment, and two instances and new spawns want them.
    await Promise.all(
      started.map(async ({ task }) => {
        await daemon.start(task.id);
        await daemon.finish(task.id, 1);
        ended.add(task.id);
      }),
    );
  }
  expect([...ended].sort()).toEqual([...ids].sort());
});

test('spawns beside completions and daemons that leave never block each other, and leave nothing half done', async () => {
  const api = await newOwner();
  const daemon = await HandDaemon.connect(api, { max: 1_000 });
  for (let round = 0; round < (embedded ? 2 : 6); round += 1) {
    const { contractId } = await openContract(api, { startSupervisor: false });
    const call = (client: Api, name: string, input: object, selection: string) =>
      client.post(
        `mutation($input: ${name[0]?.toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) { ${selection} } }`,
        { input },
      );
    const task = { contractId, name: 'Task', plan: 'work', useOwnWorktree: true };
    const answers = await Promise.all([
      ...Array.from({ length: 6 }, () => call(api, 'spawnTask', task, 'task { id }')),
      call(api, 'completeContract', { contractId, cancelTasks: true }, 'contract { id }'),
      call(daemon.api, 'disconnectDaemon', { epoch: daemon.epoch }, 'daemon { id }'),
      ...Array.from({ length: 6 }, () => call(api, 'spawnTask', task, 'task { id }')),
    ]);
    const codes = answers.flatMap(({ errors }) => errors?.map((error) => error.extensions.code) ?? []);
    expect(codes.filter((code) => code !== 'CONTRACT_CLOSED')).toEqual([]);
    const half = `contract_id = (select id from contract order by id desc limit 1)
      and (attempt > 0) <> exists (select 1 from command c where c.task_id = task.id and c.type = 'SPAWN_TASK')`;
    expect(await countOf(server, 'task', half)).toBe(0);
    await daemon.register({ max: 1_000 });
  }
});

test('the supervisor’s copy is found by its id, however many copies the contract has', async () => {
  const { contractId } = await openContract(await newOwner(), { startSupervisor: false });
  const plan = await server.runtime.db.fork().transactional(async (em) => {
    // What a small table is read by says nothing about a large one.
    await em.execute('set local enable_seqscan = off');
    const { supervisorCopy } = surroundings(em, contractId as Id<'contract'>);
    const { rows } = await sql`explain (format json) ${supervisorCopy.statement}`.execute(kysely(em));
    return JSON.stringify(rows);
  });
  expect(plan).toContain('worktree_pkey');
  expect(plan).not.toContain('worktree_contract_id');
});
