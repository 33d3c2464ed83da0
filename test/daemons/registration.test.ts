import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { kysely } from '../../src/platform/database.ts';
import { type Id, toUuid } from '../../src/platform/ids.ts';
import { transact } from '../../src/platform/transaction.ts';
import { eventually } from '../support/api.ts';
import { HandDaemon, openContract, spawn, statusOf } from '../support/daemon.ts';
import { embedded } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing, countOf, rowsOf } from '../support/snapshot.ts';

const { api, server, newOwner } = await startTestServer();

async function running(): Promise<{ daemon: HandDaemon; taskId: string; toolKey: string }> {
  const owner = await newOwner();
  const daemon = await HandDaemon.connect(owner);
  const { contractId } = await openContract(owner, { startSupervisor: false });
  const taskId = await spawn(owner, contractId);
  const { toolKey } = await daemon.start(taskId);
  return { daemon, taskId, toolKey };
}

test('registering again is the same daemon with the next epoch, and the older connection is REPLACED', async () => {
  const owner = await newOwner();
  const daemon = await HandDaemon.connect(owner, { name: 'twice' });
  const { id, epoch, commands } = daemon;
  const { contractId } = await openContract(owner, { startSupervisor: false });
  const command = await daemon.command('SPAWN_TASK', await spawn(owner, contractId));
  await daemon.register({ name: 'twice' });
  expect(daemon.id).toBe(id);
  expect(daemon.epoch).toBe(epoch + 1);
  const replaced = { code: 'STALE_EPOCH', extensions: { reason: 'REPLACED', epoch: epoch + 1 } };
  expect(await commands.refusal()).toMatchObject(replaced);
  await changesNothing(server, async () => {
    expect(await daemon.api.mutationRefused('heartbeatDaemon', { epoch })).toMatchObject(replaced);
    expect(await daemon.api.mutationRefused('disconnectDaemon', { epoch })).toMatchObject(replaced);
    expect(await daemon.api.mutationRefused('acceptCommand', { commandId: command.id, epoch })).toMatchObject(
      replaced,
    );
    expect(
      await daemon.api.mutationRefused('completeCommand', { commandId: command.id, epoch }),
    ).toMatchObject(replaced);
    const query = `subscription { daemonCommands(daemonId: "${id}", epoch: ${epoch}) { id } }`;
    expect(await daemon.api.subscribe(query).refusal()).toMatchObject(replaced);
  });
  // What was not answered is delivered to the new connection.
  expect((await daemon.commands.count(1))[0].id).toBe(command.id);
  expect(await countOf(server, 'daemon', "name = 'twice'")).toBe(1);
});

test('registering again tells what the server believes the daemon has', async () => {
  const { daemon, taskId } = await running();
  await daemon.append(taskId, 1, 0, ['one', 'two', 'three']);
  const { tasks } = await daemon.register();
  expect(tasks).toEqual([{ task: { id: taskId }, attempt: 1, nextOutputIndex: 3 }]);
  await daemon.finish(taskId, 1, 'DONE', 3);
  expect((await daemon.register()).tasks).toEqual([]);
});

test('a repeated acceptance gives a fresh key and kills the former', async () => {
  const owner = await newOwner();
  const daemon = await HandDaemon.connect(owner);
  const { contractId } = await openContract(owner, { startSupervisor: false });
  const command = await daemon.command('SPAWN_TASK', await spawn(owner, contractId));
  const [first, second] = [await daemon.accept(command), await daemon.accept(command)];
  expect(second.toolKey).not.toBe(first.toolKey);
  expect((await api.as(first.toolKey).refused('{ viewer { kind } }')).code).toBe('UNAUTHENTICATED');
  expect((await api.as(second.toolKey).ask('{ viewer { kind } }')).viewer.kind).toBe('WORK');
  const all = await Promise.all(Array.from({ length: 10 }, () => daemon.accept(command)));
  const alive = await Promise.all(all.map(({ toolKey }) => api.as(toolKey).post('{ viewer { kind } }')));
  expect(alive.filter(({ errors }) => !errors)).toHaveLength(1);
});

test('a command that was answered is not accepted any more, and the first answer counts', async () => {
  const { daemon, taskId } = await running();
  const command = await daemon.command('SPAWN_TASK', taskId);
  await changesNothing(server, async () => {
    const input = { commandId: command.id, epoch: daemon.epoch };
    expect((await daemon.api.mutationRefused('acceptCommand', input)).code).toBe('INVALID_TRANSITION');
    await daemon.fail(command, 'COMMAND_FAILED', 'too late');
  });
});

test('a socket that a tool key opened is of no use once its attempt is over', async () => {
  const { daemon, taskId, toolKey } = await running();
  const agent = daemon.api.as(toolKey);
  const events = agent.subscribe(
    `subscription { taskOutput(taskId: "${taskId}", afterSequence: 0) { content } }`,
  );
  await daemon.append(taskId, 1, 0, ['one']);
  await events.count(1);
  await daemon.finish(taskId, 1, 'DONE', 1);
  expect(await events.closeCode()).toBeGreaterThanOrEqual(4_000);
});

const REGISTRATION = { name: 'x', hostname: 'x', version: '0', agents: ['shell'], maxConcurrentTasks: 1 };
test.each([
  ['a blank name', { name: ' ' }, 'name'],
  ['a name over 100 characters', { name: 'x'.repeat(101) }, 'name'],
  ['a blank host', { hostname: '' }, 'hostname'],
  ['a version with NUL', { version: '1\0' }, 'version'],
  ['a blank profile', { agents: ['shell', ''] }, 'agents'],
  ['a path with NUL', { localPaths: ['/x\0'] }, 'localPaths'],
  ['room for no task', { maxConcurrentTasks: 0 }, 'maxConcurrentTasks'],
  ['room for 1,001 tasks', { maxConcurrentTasks: 1_001 }, 'maxConcurrentTasks'],
])('registering with %s is refused', async (_, input, field) => {
  const { key } = await api.mutate('createKey', { kind: 'DAEMON', name: 'bad' }, 'key');
  const refused = await changesNothing(server, () =>
    api.as(key).mutationRefused('registerDaemon', { ...REGISTRATION, ...input }),
  );
  expect(refused).toMatchObject({ code: 'INVALID_INPUT', field });
});

test.skipIf(embedded)('registering again waits for who holds the daemon, and is not refused', async () => {
  const daemon = await HandDaemon.connect(await newOwner(), { name: 'held' });
  const [held, registered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const holder = transact(server.runtime, async (tx) => {
    const id = toUuid(daemon.id as Id<'daemon'>);
    await sql`select 1 from daemon where id = ${id} for no key update`.execute(kysely(tx.em));
    held.resolve();
    await registered.promise;
  });
  await held.promise;
  const again = daemon.register({ name: 'held' });
  const waiting =
    "select 1 as waits from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  await Promise.race([
    again,
    eventually(async () => (await rowsOf<{ waits: number }>(server, waiting)).length > 0),
  ]);
  registered.resolve();
  await holder;
  expect(await again).toMatchObject({ daemon: { id: daemon.id }, epoch: 2 });
});

test('one key registered ten times at once is one daemon', async () => {
  const { key } = await api.mutate('createKey', { kind: 'DAEMON', name: 'burst' }, 'key');
  const input = { ...REGISTRATION, name: 'burst' };
  const all = await Promise.all(
    Array.from({ length: 10 }, () => api.as(key).mutate('registerDaemon', input, 'epoch daemon { id }')),
  );
  expect(new Set(all.map(({ daemon }) => daemon.id)).size).toBe(1);
  expect(all.map(({ epoch }) => epoch).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test('output of a task that was never its own, negative indexes and too long batches are refused', async () => {
  const { daemon, taskId } = await running();
  const other = await HandDaemon.connect(await newOwner());
  const entry = { type: 'STDOUT', content: 'x', createdAt: new Date().toISOString() };
  await changesNothing(server, async () => {
    const batch = { taskId, attempt: 1, firstIndex: 0, entries: [entry] };
    expect((await other.api.mutationRefused('appendTaskOutput', batch)).code).toBe('NOT_FOUND');
    expect((await daemon.api.mutationRefused('appendTaskOutput', { ...batch, attempt: 2 })).code).toBe(
      'NOT_FOUND',
    );
    expect(await daemon.api.mutationRefused('appendTaskOutput', { ...batch, firstIndex: -1 })).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'firstIndex',
    });
    const entries = Array(5_001).fill(entry);
    expect(await daemon.api.mutationRefused('appendTaskOutput', { ...batch, entries })).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'entries',
    });
  });
});

test('a daemon that drains goes on draining when it comes back, until its owner says otherwise', async () => {
  const daemon = await HandDaemon.connect(api, { name: 'drained' });
  const status = async () => {
    const { daemons } = await api.ask('{ daemons { id status } }');
    return daemons.find(({ id }: { id: string }) => id === daemon.id).status;
  };
  await api.mutate('drainDaemon', { daemonId: daemon.id }, 'daemon { id }');
  await daemon.api.mutate('disconnectDaemon', { epoch: daemon.epoch }, 'daemon { id }');
  expect(await status()).toBe('DISCONNECTED');
  await daemon.register({ name: 'drained' });
  expect(await status()).toBe('DRAINING');
  await api.mutate('drainDaemon', { daemonId: daemon.id, draining: false }, 'daemon { id }');
  expect(await status()).toBe('CONNECTED');
});

test('a removed daemon is fenced, its key refused, its tasks given to others; what it did stays', async () => {
  const removed = await HandDaemon.connect(api, { name: 'removed', agents: ['leaves'] });
  const { contractId } = await openContract(api, { agent: 'leaves', startSupervisor: false });
  const taskId = await spawn(api, contractId);
  await removed.start(taskId);
  const { daemon } = await api.mutate(
    'removeDaemon',
    { daemonId: removed.id },
    'daemon { status removedAt }',
  );
  expect(daemon).toEqual({ status: 'DISCONNECTED', removedAt: expect.any(String) });
  await changesNothing(server, () => api.mutate('removeDaemon', { daemonId: removed.id }, 'daemon { id }'));
  // Its connection and its key end at the same moment; either may be told first.
  expect(['STALE_EPOCH', 4403]).toContain(await removed.commands.endCode());
  const heartbeat = { epoch: removed.epoch };
  expect((await removed.api.mutationRefused('heartbeatDaemon', heartbeat)).code).toBe('UNAUTHENTICATED');
  expect(await statusOf(api, taskId)).toBe('PENDING');
  const { daemons } = await api.ask('{ daemons { id } }');
  expect(daemons.map(({ id }: { id: string }) => id)).not.toContain(removed.id);
  const other = await HandDaemon.connect(api, { name: 'takes over', agents: ['leaves'] });
  await other.command('SPAWN_TASK', taskId, 2);
  const query = 'query($id: ID!) { task(id: $id) { failedDaemons { name removedAt } } }';
  expect((await api.ask(query, { id: taskId })).task.failedDaemons).toEqual([
    { name: 'removed', removedAt: expect.any(String) },
  ]);
});

test('a daemon is told the end of contracts in which it had a task, and nothing of any other', async () => {
  const owner = await newOwner();
  const daemon = await HandDaemon.connect(owner, { name: 'worker' });
  const idle = await HandDaemon.connect(owner, { name: 'idle', agents: [] });
  const open = async () => (await openContract(owner, { startSupervisor: false })).contractId;
  const [over, running, untouched] = [await open(), await open(), await open()];
  for (const contractId of [over, running]) await daemon.start(await spawn(owner, contractId));
  await owner.mutate('completeContract', { contractId: over, cancelTasks: true }, 'contract { id }');
  const contractIds = [untouched, over, running];
  const query = `query($contractIds: [ID!]!) { daemonContracts(contractIds: $contractIds) { contractId endedAt } }`;
  const told = async (by: typeof owner) => (await by.ask(query, { contractIds })).daemonContracts;
  expect(await told(daemon.api)).toEqual([
    { contractId: over, endedAt: expect.stringMatching(/^2/) },
    { contractId: running, endedAt: null },
  ]);
  expect(await told(idle.api)).toEqual([]);
  const stranger = await HandDaemon.connect(await newOwner());
  expect(await told(stranger.api)).toEqual([]);
  await owner.mutate('archiveContract', { contractId: over }, 'contract { id }');
  expect(await told(daemon.api)).toHaveLength(2);
  await owner.mutate('deleteContract', { contractId: over }, 'contractId');
  expect(await told(daemon.api)).toEqual([{ contractId: running, endedAt: null }]);
  expect((await daemon.api.refused(query, { contractIds: ['task_x'] })).field).toBe('contractIds');
  const many = { contractIds: Array(1_001).fill(over) };
  expect(await daemon.api.refused(query, many)).toMatchObject({
    code: 'INVALID_INPUT',
    field: 'contractIds',
  });
});
