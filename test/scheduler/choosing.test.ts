import { expect, test } from 'vitest';
import { type Api, eventually } from '../support/api.ts';
import { HandDaemon, openContract, spawn, statusOf, untilStatus } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { countOf, rowsOf } from '../support/snapshot.ts';

// Each test has an owner of its own, so that only its own daemons can take its tasks.
const { server, newOwner } = await startTestServer();

/** Lets the scheduler look at everything once more: what did not start then will not. */
async function settle(): Promise<void> {
  await server.scheduler.sweepNow();
}

async function daemonOf(api: Api, taskId: string): Promise<string | null> {
  const { task } = await api.ask('query($id: ID!) { task(id: $id) { daemon { name } } }', { id: taskId });
  return task.daemon?.name ?? null;
}

test('tasks start by priority, then by age', async () => {
  const api = await newOwner();
  const { contractId } = await openContract(api, { startSupervisor: false });
  const low = await spawn(api, contractId);
  const later = await spawn(api, contractId);
  const high = await spawn(api, contractId, { priority: 5 });
  const lowest = await spawn(api, contractId, { priority: -1 });
  const daemon = await HandDaemon.connect(api, { max: 1 });
  for (const taskId of [high, low, later, lowest]) {
    await daemon.start(taskId);
    await daemon.finish(taskId, 1);
  }
  const order = daemon.commands.received.map((command) => command.task.id);
  expect(order).toEqual([high, low, later, lowest]);
});

test('capacity counts work tasks only: with 1 a supervisor and one task run, the next when that ends', async () => {
  const api = await newOwner();
  const daemon = await HandDaemon.connect(api, { max: 1 });
  const { contractId, supervisorId } = await openContract(api);
  await daemon.start(supervisorId);
  const first = await spawn(api, contractId);
  await daemon.start(first);
  const next = await spawn(api, contractId);
  const { supervisorId: another } = await openContract(api);
  await daemon.start(another);
  await settle();
  expect(await statusOf(api, next)).toBe('PENDING');
  await daemon.finish(first, 1);
  await daemon.start(next);
  expect(await statusOf(api, next)).toBe('RUNNING');
});

test('a task that is being cancelled still takes its place', async () => {
  const api = await newOwner();
  const daemon = await HandDaemon.connect(api, { max: 1 });
  const { contractId } = await openContract(api, { startSupervisor: false });
  const first = await spawn(api, contractId);
  await daemon.start(first);
  const next = await spawn(api, contractId);
  await api.mutate('cancelTask', { taskId: first }, 'task { id }');
  await settle();
  expect(await statusOf(api, next)).toBe('PENDING');
  await daemon.finish(first, 1, 'CANCELLED');
  await daemon.start(next);
});

test('the least loaded daemon is preferred', async () => {
  const api = await newOwner();
  const names = ['one', 'two', 'three'];
  for (const name of names) await HandDaemon.connect(api, { name });
  const { contractId } = await openContract(api, { startSupervisor: false });
  const chosen: (string | null)[] = [];
  for (let index = 0; index < 6; index += 1) {
    const taskId = await spawn(api, contractId);
    await untilStatus(api, taskId, 'STARTING');
    chosen.push(await daemonOf(api, taskId));
  }
  expect(chosen.slice(0, 3).sort()).toEqual([...names].sort());
  expect(chosen.slice(3).sort()).toEqual([...names].sort());
});

test('a daemon of another owner, without the profile or the path, draining or gone, gets nothing', async () => {
  const api = await newOwner();
  const stranger = await HandDaemon.connect(await newOwner());
  const unskilled = await HandDaemon.connect(api, { name: 'unskilled', agents: ['codex'] });
  // A path that only begins with the same letters is another one.
  const elsewhere = await HandDaemon.connect(api, {
    name: 'elsewhere',
    localPaths: ['/repositories/on', '/other'],
  });
  const draining = await HandDaemon.connect(api, { name: 'draining' });
  await api.mutate('drainDaemon', { daemonId: draining.id }, 'daemon { status }');
  const gone = await HandDaemon.connect(api, { name: 'gone' });
  await gone.api.mutate('disconnectDaemon', { epoch: gone.epoch }, 'daemon { status }');
  const { contractId } = await openContract(api, { startSupervisor: false });
  const taskId = await spawn(api, contractId);
  await settle();
  expect(await statusOf(api, taskId)).toBe('PENDING');
  for (const daemon of [stranger, unskilled, elsewhere, draining])
    expect(daemon.commands.received).toEqual([]);

  await api.mutate('drainDaemon', { daemonId: draining.id, draining: false }, 'daemon { status }');
  await untilStatus(api, taskId, 'STARTING');
  expect(await daemonOf(api, taskId)).toBe('draining');
});

test('a drained daemon finishes what it has', async () => {
  const api = await newOwner();
  const daemon = await HandDaemon.connect(api);
  const { contractId } = await openContract(api, { startSupervisor: false });
  const taskId = await spawn(api, contractId);
  await daemon.start(taskId);
  const { daemon: drained } = await api.mutate(
    'drainDaemon',
    { daemonId: daemon.id },
    'daemon { status runningTasks }',
  );
  expect(drained).toEqual({ status: 'DRAINING', runningTasks: 1 });
  await daemon.register();
  await daemon.finish(taskId, 1);
  expect(await statusOf(api, taskId)).toBe('DONE');
  const next = await spawn(api, contractId);
  await settle();
  expect(await statusOf(api, next)).toBe('PENDING');
});

test("a task that shares the supervisor's copy waits until it exists, and runs where it is", async () => {
  const api = await newOwner();
  const holder = await HandDaemon.connect(api, { name: 'holder', max: 2 });
  const { contractId, supervisorId } = await openContract(api);
  const spawned = await holder.command('SPAWN_TASK', supervisorId);
  const idle = await HandDaemon.connect(api, { name: 'idle' });
  const shared = [
    await spawn(api, contractId, { useOwnWorktree: false }),
    await spawn(api, contractId, { useOwnWorktree: false }),
  ];
  await settle();
  for (const taskId of shared) expect(await statusOf(api, taskId)).toBe('PENDING');
  expect(spawned.payload.worktree.mode).toBe('OWN');

  const started = performance.now();
  await holder.start(supervisorId);
  for (const taskId of shared) {
    const { command } = await holder.start(taskId);
    expect(command.payload.worktree).toMatchObject({ id: spawned.payload.worktree.id, mode: 'SHARED' });
  }
  // They need not wait for the scheduler's next sweep, which comes every 5 s.
  expect(performance.now() - started).toBeLessThan(4_000);
  expect(idle.commands.received).toEqual([]);
});

test('hundreds of tasks that nobody can take do not keep others from starting', async () => {
  const api = await newOwner();
  const daemon = await HandDaemon.connect(api, { max: 1 });
  const { contractId } = await openContract(api, { startSupervisor: false });
  const busy = await spawn(api, contractId);
  await daemon.start(busy);
  const queued = await spawn(api, contractId, { priority: 9 });
  await rowsOf(
    server,
    `insert into task select (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), 'name', 'copy ' || n))).*
     from task t, generate_series(1, 300) n where t.priority = 9`,
  );
  const skilled = await newOwner();
  const other = await HandDaemon.connect(skilled);
  const { contractId: theirs } = await openContract(skilled, { startSupervisor: false });
  await other.start(await spawn(skilled, theirs));
  expect(await statusOf(api, queued)).toBe('PENDING');
  expect(await countOf(server, 'task', "priority = 9 and status = 'PENDING'")).toBe(301);
});

test('a task spawned before there is a supervisor has a copy of its own', async () => {
  const api = await newOwner();
  const daemon = await HandDaemon.connect(api);
  const { contractId } = await openContract(api, { startSupervisor: false });
  const taskId = await spawn(api, contractId, { useOwnWorktree: false });
  const { command } = await daemon.start(taskId);
  expect(command.payload.worktree).toMatchObject({ mode: 'OWN', baseWorktreeId: null });
  const { task } = await api.ask('query($id: ID!) { task(id: $id) { useOwnWorktree parent { id } depth } }', {
    id: taskId,
  });
  expect(task).toEqual({ useOwnWorktree: true, parent: null, depth: 0 });
});

test('a task whose daemon failed it goes to another, and back only when there is no other', async () => {
  const api = await newOwner();
  const first = await HandDaemon.connect(api, { name: 'first' });
  const { contractId } = await openContract(api, { startSupervisor: false });
  const taskId = await spawn(api, contractId);
  await first.start(taskId);
  await first.report(taskId, 1, 'INTERRUPTED', { errorMessage: 'no disk' });
  // Nobody else is there: it comes back, as attempt 2.
  await first.start(taskId, 2);
  const second = await HandDaemon.connect(api, { name: 'second', max: 1 });
  await second.start(await spawn(api, contractId));
  await first.report(taskId, 2, 'INTERRUPTED', { errorMessage: 'no disk again' });
  await settle();
  // The other one is busy, but could do it.
  expect(await statusOf(api, taskId)).toBe('PENDING');
  await second.finish(second.commands.received[0].task.id, 1);
  await second.start(taskId, 3);
  const { task } = await api.ask(
    'query($id: ID!) { task(id: $id) { retryCount failedDaemons { name } errorMessage } }',
    { id: taskId },
  );
  expect(task).toEqual({
    retryCount: 2,
    failedDaemons: [{ name: 'first' }],
    errorMessage: 'Attempt 1: no disk\nAttempt 2: no disk again',
  });
  await eventually(() => second.commands.received.length === 2);
});
