import { expect, test } from 'vitest';
import type { Answer, Api } from '../support/api.ts';
import { TestClock } from '../support/clock.ts';
import { HandDaemon, openContract, spawn, statusOf, untilStatus } from '../support/daemon.ts';
import { passTime } from '../support/passing-time.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing, rowsOf } from '../support/snapshot.ts';

const clock = new TestClock();
const { api: first, server, newOwner } = await startTestServer({ clock });

const later = (milliseconds: number, ...alive: HandDaemon[]) =>
  passTime(server, clock, milliseconds, ...alive);

function heartbeat(daemon: HandDaemon): Promise<Answer> {
  return daemon.api.mutate('heartbeatDaemon', { epoch: daemon.epoch }, 'daemon { status }');
}

async function taskOf(api: Api, id: string): Promise<Answer> {
  const query =
    'query($id: ID!) { task(id: $id) { status attempt retryCount errorMessage daemon { name } failedDaemons { name } } }';
  return (await api.ask(query, { id })).task;
}

/** The states a task went through, as the log has them. */
async function statesOf(api: Api, contractId: string, taskId: string): Promise<string[]> {
  const { contract } = await api.ask('query($id: ID!) { contract(id: $id) { lastSequence } }', {
    id: contractId,
  });
  const events = api.subscribe(
    'subscription($id: ID!) { contractEvents(contractId: $id, afterSequence: 0) { sequence ... on TaskUpdatedEvent { task { id } status } } }',
    { id: contractId },
  );
  const received = await events.until((all) => all.at(-1)?.sequence === contract.lastSequence);
  events.stop();
  return received.filter((event) => event.task?.id === taskId).map((event) => event.status);
}

async function daemonAndTask(
  api: Api,
  name = 'first',
): Promise<{ daemon: HandDaemon; contractId: string; taskId: string }> {
  const daemon = await HandDaemon.connect(api, { name });
  const { contractId } = await openContract(api, { startSupervisor: false });
  return { daemon, contractId, taskId: await spawn(api, contractId) };
}

test('in the first minute of a server no daemon is given up', async () => {
  const { daemon, taskId } = await daemonAndTask(first);
  await daemon.start(taskId);
  await later(25_000);
  expect(await taskOf(first, taskId)).toMatchObject({ status: 'RUNNING', attempt: 1 });
  await heartbeat(daemon);
  // From here on the grace is over.
  clock.advance(60_000);
});

test('a spawn that is not accepted for 15 s is withdrawn, and its late acceptance refused', async () => {
  const api = await newOwner();
  const { daemon, contractId, taskId } = await daemonAndTask(api);
  const command = await daemon.command('SPAWN_TASK', taskId, 1);
  await later(14_000, daemon);
  expect((await taskOf(api, taskId)).attempt).toBe(1);
  await later(1_500, daemon);
  const again = await daemon.command('SPAWN_TASK', taskId, 2);
  const refused = await changesNothing(server, () =>
    daemon.api.mutationRefused('acceptCommand', { commandId: command.id, epoch: daemon.epoch }),
  );
  expect(refused.code).toBe('STALE_ATTEMPT');
  expect(await statesOf(api, contractId, taskId)).toEqual(['PENDING', 'STARTING', 'PENDING', 'STARTING']);
  await daemon.accept(again);
  await later(16_000, daemon);
  expect(await taskOf(api, taskId)).toMatchObject({
    status: 'STARTING',
    attempt: 2,
    retryCount: 0,
    failedDaemons: [],
  });
});

test('what a lost daemon had is retried elsewhere, and nothing it says later counts', async () => {
  const api = await newOwner();
  const { daemon, contractId, taskId } = await daemonAndTask(api);
  const { agent } = await daemon.start(taskId);
  await daemon.append(taskId, 1, 0, ['one']);
  const rescuer = await HandDaemon.connect(api, { name: 'rescuer' });
  await later(25_000, rescuer);
  const retry = await rescuer.command('SPAWN_TASK', taskId, 2);
  expect(await taskOf(api, taskId)).toMatchObject({
    status: 'STARTING',
    attempt: 2,
    retryCount: 1,
    daemon: { name: 'rescuer' },
    failedDaemons: [{ name: 'first' }],
    errorMessage: expect.stringContaining('Attempt 1: Daemon first was silent'),
  });
  expect(await statesOf(api, contractId, taskId)).toEqual([
    'PENDING',
    'STARTING',
    'RUNNING',
    'INTERRUPTED',
    'PENDING',
    'STARTING',
  ]);

  await changesNothing(server, async () => {
    for (const status of ['RUNNING', 'DONE', 'FAILED', 'INTERRUPTED', 'CANCELLED']) {
      const report = { taskId, attempt: 1, status, outputCount: 1 };
      expect(await daemon.api.mutationRefused('reportTask', report), status).toMatchObject({
        code: 'STALE_ATTEMPT',
        extensions: { attempt: 2 },
      });
    }
    const beat = await daemon.api.mutationRefused('heartbeatDaemon', { epoch: daemon.epoch });
    expect(beat).toMatchObject({ code: 'STALE_EPOCH', extensions: { reason: 'LOST' } });
    expect((await agent.refused('{ viewer { kind } }')).code).toBe('UNAUTHENTICATED');
    const taking = { commandId: retry.id, epoch: daemon.epoch };
    expect((await daemon.api.mutationRefused('acceptCommand', taking)).code).toBe('NOT_FOUND');
    expect(await daemon.commands.refusal()).toMatchObject({
      code: 'STALE_EPOCH',
      extensions: { reason: 'LOST' },
    });
  });
  // What an agent said is never thrown away, and its daemon is told to stop it.
  expect(await daemon.append(taskId, 1, 1, ['two'])).toEqual({ nextIndex: 2, stale: true });
  const registered = await daemon.register({ name: 'first' });
  expect(registered).toMatchObject({ epoch: 2, tasks: [] });
});

test('the attempt of a lost daemon is over also while nobody else can take the task', async () => {
  const api = await newOwner();
  const { daemon, taskId } = await daemonAndTask(api);
  await daemon.start(taskId);
  await later(25_000);
  expect(await taskOf(api, taskId)).toMatchObject({ status: 'PENDING', attempt: 1, daemon: null });
  await changesNothing(server, async () => {
    for (const status of ['RUNNING', 'DONE', 'FAILED', 'CANCELLED']) {
      const report = { taskId, attempt: 1, status, outputCount: 0 };
      expect((await daemon.api.mutationRefused('reportTask', report)).code, status).toBe('STALE_ATTEMPT');
    }
  });
  expect(await daemon.append(taskId, 1, 0, ['late'])).toEqual({ nextIndex: 1, stale: true });
});

test('a silence shorter than 20 s costs nothing', async () => {
  const api = await newOwner();
  const { daemon, taskId } = await daemonAndTask(api);
  await daemon.start(taskId);
  // Beside what passes meanwhile on a busy machine.
  await later(15_000);
  await heartbeat(daemon);
  await later(15_000);
  expect(await taskOf(api, taskId)).toMatchObject({ status: 'RUNNING', attempt: 1, retryCount: 0 });
});

test('after three retries a task fails, with the reason of each attempt', async () => {
  const api = await newOwner();
  const { daemon, contractId, taskId } = await daemonAndTask(api);
  for (let attempt = 1; attempt <= 4; attempt += 1) {
    await daemon.start(taskId, attempt);
    await daemon.report(taskId, attempt, 'INTERRUPTED', { errorMessage: `reason ${attempt}` });
  }
  expect(await taskOf(api, taskId)).toMatchObject({
    status: 'FAILED',
    attempt: 4,
    retryCount: 3,
    errorMessage: [1, 2, 3, 4].map((attempt) => `Attempt ${attempt}: reason ${attempt}`).join('\n'),
  });
  expect((await statesOf(api, contractId, taskId)).slice(-2)).toEqual(['INTERRUPTED', 'FAILED']);
});

test('giving a task back twice counts once', async () => {
  const api = await newOwner();
  const { daemon, taskId } = await daemonAndTask(api);
  await daemon.start(taskId);
  await api.mutate('drainDaemon', { daemonId: daemon.id }, 'daemon { id }');
  const report = { errorMessage: 'out of disk' };
  await daemon.report(taskId, 1, 'INTERRUPTED', report);
  const { task } = await changesNothing(server, () => daemon.report(taskId, 1, 'INTERRUPTED', report));
  expect(task.status).toBe('PENDING');
});

test('a task that is being cancelled on a daemon that is lost is CANCELLED, unconfirmed', async () => {
  const api = await newOwner();
  const { daemon, taskId } = await daemonAndTask(api);
  await daemon.start(taskId);
  await api.mutate('cancelTask', { taskId, reason: 'changed my mind' }, 'task { status }');
  expect(await statusOf(api, taskId)).toBe('CANCELLING');
  await later(25_000);
  const task = await taskOf(api, taskId);
  expect(task.status).toBe('CANCELLED');
  expect(task.errorMessage).toMatch(/^changed my mind \(confirmed: false\)/);
  // Its agent may still run: the next batch of output tells the daemon to stop it.
  expect((await daemon.append(taskId, 1, 0, ['still here'])).stale).toBe(true);
});

test('a daemon that leaves in order gives back at once what it had, accepted or not', async () => {
  const api = await newOwner();
  const { daemon, contractId, taskId } = await daemonAndTask(api);
  await daemon.start(taskId);
  const offered = await spawn(api, contractId);
  const offer = await daemon.command('SPAWN_TASK', offered);
  await daemon.api.mutate('disconnectDaemon', { epoch: daemon.epoch }, 'daemon { status }');
  expect(await statusOf(api, taskId)).toBe('PENDING');
  expect(await statusOf(api, offered)).toBe('PENDING');
  await daemon.register();
  const refused = await daemon.api.mutationRefused('acceptCommand', {
    commandId: offer.id,
    epoch: daemon.epoch,
  });
  expect(refused.code).toBe('STALE_ATTEMPT');
  await daemon.start(taskId, 2);
  await daemon.start(offered, 2);
});

test('a supervisor that waits survives the loss of its daemon', async () => {
  const api = await newOwner();
  const daemon = await HandDaemon.connect(api);
  const { supervisorId } = await openContract(api);
  await daemon.start(supervisorId);
  await daemon.report(supervisorId, 1, 'WAITING', { outputSummary: 'I wait' });
  await later(25_000);
  expect(await taskOf(api, supervisorId)).toMatchObject({ status: 'WAITING', attempt: 1, retryCount: 0 });
});

test('a task of a contract that was completed meanwhile is not started again', async () => {
  const api = await newOwner();
  const daemon = await HandDaemon.connect(api);
  const { contractId, supervisorId } = await openContract(api);
  await daemon.start(supervisorId);
  await api.mutate('completeContract', { contractId }, 'contract { status }');
  await later(25_000);
  await untilStatus(api, supervisorId, 'CANCELLED');
  expect(
    await rowsOf(
      server,
      `select 1 from task where status = 'PENDING' and contract_id in (select id from contract where status = 'COMPLETED')`,
    ),
  ).toEqual([]);
});
