import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { kysely } from '../../src/platform/database.ts';
import { fromUuid, type Id, toUuid } from '../../src/platform/ids.ts';
import { transact } from '../../src/platform/transaction.ts';
import { claimTask } from '../../src/scheduler/claim.ts';
import { Api, eventually } from '../support/api.ts';
import { HandDaemon, openContract, spawn, statusOf } from '../support/daemon.ts';
import { embedded } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { countOf, rowsOf } from '../support/snapshot.ts';

const { api, server, newOwner, another } = await startTestServer();
// On PostgreSQL a second instance schedules as well; the embedded database has one only.
const second = embedded ? server : await another();
/** Transactions overlap on PostgreSQL only: on the embedded database each order of the two is tried a few times. */
const ROUNDS = embedded ? 4 : 16;

test('of several instances one starts a task, once', async () => {
  const elsewhere = new Api(second.url, api.key);
  const daemons = [
    await HandDaemon.connect(api, { name: 'one' }),
    await HandDaemon.connect(elsewhere, { name: 'two' }),
    await HandDaemon.connect(api, { name: 'three' }),
  ];
  const { contractId } = await openContract(api, { startSupervisor: false });
  const ids = await Promise.all(
    Array.from({ length: 20 }, (_, index) => spawn(index % 2 === 0 ? api : elsewhere, contractId)),
  );
  await eventually(async () => (await countOf(server, 'task', "status = 'STARTING'")) === 20);
  await Promise.all([server.scheduler.sweepNow(), second.scheduler.sweepNow()]);
  const rows = await rowsOf<{ attempt: number; spawns: number }>(
    server,
    "select t.attempt, count(c.id)::int as spawns from task t left join command c on c.task_id = t.id and c.type = 'SPAWN_TASK' group by t.id",
  );
  expect(rows).toEqual(Array(20).fill({ attempt: 1, spawns: 1 }));
  await eventually(() => daemons.flatMap(({ commands }) => commands.received).length === 20);
  const delivered = daemons.flatMap(({ commands }) => commands.received.map((command) => command.task.id));
  expect(delivered.sort()).toEqual([...ids].sort());
});

test('an acceptance and a cancellation at the same moment never block each other and leave one clear state', async () => {
  const owner = await newOwner();
  const daemon = (await HandDaemon.connect(owner, { max: 1_000 })).alive();
  const { contractId } = await openContract(owner, { startSupervisor: false });
  for (let round = 0; round < ROUNDS; round += 1) {
    const taskId = await spawn(owner, contractId);
    const command = await daemon.command('SPAWN_TASK', taskId);
    const accept = () =>
      daemon.api.post('mutation($input: AcceptCommandInput!) { acceptCommand(input: $input) { toolKey } }', {
        input: { commandId: command.id, epoch: daemon.epoch },
      });
    const cancel = () => owner.mutate('cancelTask', { taskId }, 'task { status }');
    const [accepted, cancelled] =
      round % 2 === 0
        ? await Promise.all([accept(), cancel()])
        : (await Promise.all([cancel(), accept()])).reverse();
    const code = accepted.errors?.[0].extensions.code;
    expect(['CANCELLED', 'CANCELLING']).toContain(cancelled.task.status);
    if (code === undefined) {
      // Its agent may be there: the daemon confirms that it is gone.
      expect(cancelled.task.status).toBe('CANCELLING');
      const key = daemon.api.as(accepted.data.acceptCommand.toolKey);
      expect((await key.refused('{ viewer { kind } }')).code).toBe('UNAUTHENTICATED');
    } else expect(code).toBe('STALE_ATTEMPT');
    if (cancelled.task.status === 'CANCELLING') {
      await daemon.command('CANCEL_TASK', taskId);
      await daemon.finish(taskId, 1, 'CANCELLED');
    }
    expect(await statusOf(owner, taskId)).toBe('CANCELLED');
  }
});

test('an end, a cancellation and a completion of the contract at the same moment leave the task completed', async () => {
  const owner = await newOwner();
  const daemon = (await HandDaemon.connect(owner, { max: 1_000 })).alive();
  for (let round = 0; round < 6; round += 1) {
    const { contractId } = await openContract(owner, { startSupervisor: false });
    const taskId = await spawn(owner, contractId);
    await daemon.start(taskId);
    const answers = await Promise.all([
      daemon.api.post('mutation($input: ReportTaskInput!) { reportTask(input: $input) { task { id } } }', {
        input: { taskId, attempt: 1, status: 'DONE', outputCount: 0 },
      }),
      owner.post('mutation($input: CancelTaskInput!) { cancelTask(input: $input) { task { id } } }', {
        input: { taskId },
      }),
      owner.post(
        'mutation($input: CompleteContractInput!) { completeContract(input: $input) { contract { id } } }',
        {
          input: { contractId, cancelTasks: true },
        },
      ),
    ]);
    const codes = answers.flatMap(({ errors }) => errors?.map((error) => error.extensions.code) ?? []);
    expect(codes.filter((code) => code !== 'INVALID_TRANSITION')).toEqual([]);
    await daemon.finish(taskId, 1, 'CANCELLED');
    expect(['DONE', 'CANCELLED']).toContain(await statusOf(owner, taskId));
    const completions = await countOf(
      server,
      'contract_event',
      `type = 'TASK_COMPLETED' and contract_id = (select contract_id from task order by id desc limit 1)`,
    );
    expect(completions).toBe(1);
  }
});

test('a daemon that leaves while its tasks are cancelled and end leaves none of them behind', async () => {
  const owner = await newOwner();
  const daemon = (await HandDaemon.connect(owner, { max: 1_000 })).alive();
  for (let round = 0; round < 3; round += 1) {
    const { contractId } = await openContract(owner, { startSupervisor: false });
    const ids = await Promise.all(Array.from({ length: 4 }, () => spawn(owner, contractId)));
    for (const taskId of ids) await daemon.start(taskId);
    const answers = await Promise.all([
      ...ids.map((taskId) =>
        owner.post('mutation($input: CancelTaskInput!) { cancelTask(input: $input) { task { id } } }', {
          input: { taskId },
        }),
      ),
      daemon.api.post(
        'mutation($input: DisconnectDaemonInput!) { disconnectDaemon(input: $input) { daemon { id } } }',
        {
          input: { epoch: daemon.epoch },
        },
      ),
    ]);
    expect(answers.flatMap(({ errors }) => errors ?? [])).toEqual([]);
    for (const taskId of ids) expect(await statusOf(owner, taskId)).toBe('CANCELLED');
    await daemon.register();
  }
});

test.skipIf(embedded)(
  'a completion, a daemon that is lost and what is started at that moment never wait for each other in a circle',
  async () => {
    const owner = await newOwner();
    for (let round = 0; round < 8; round += 1) {
      const daemon = await HandDaemon.connect(owner, { name: `round ${round}`, max: 40 });
      const { contractId } = await openContract(owner, { startSupervisor: false });
      const ids = await Promise.all(Array.from({ length: 6 }, () => spawn(owner, contractId)));
      for (const taskId of ids.slice(0, 2)) await daemon.start(taskId);
      const call = (api: Api, name: string, input: object) =>
        api.post(
          `mutation($input: ${name[0]?.toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) { __typename } }`,
          {
            input,
          },
        );
      const task = { contractId, name: 'Task', plan: 'work', useOwnWorktree: true };
      const answers = await Promise.all([
        ...Array.from({ length: 6 }, () => call(owner, 'spawnTask', task)),
        call(daemon.api, 'disconnectDaemon', { epoch: daemon.epoch }),
        call(owner, 'completeContract', { contractId, cancelTasks: true }),
      ]);
      const codes = answers.flatMap(({ errors }) => errors?.map((error) => error.extensions.code) ?? []);
      expect(codes.filter((code) => code !== 'CONTRACT_CLOSED')).toEqual([]);
    }
  },
);

test.skipIf(embedded)(
  'a supervisor that is resumed while a task takes its lost copy along is started once, in one place with it',
  async () => {
    const owner = await newOwner();
    const other = (await HandDaemon.connect(owner, { name: 'other', max: 50 })).alive();
    const which = `id = '${toUuid(other.id as Id<'daemon'>)}'`;
    for (let round = 0; round < 5; round += 1) {
      await rowsOf(server, `update daemon set status = 'DRAINING' where ${which}`);
      const gone = await HandDaemon.connect(owner, { name: `gone ${round}`, max: 50 });
      const { contractId, supervisorId } = await openContract(owner);
      await gone.start(supervisorId, undefined, 'session');
      await gone.report(supervisorId, 1, 'WAITING');
      await gone.api.mutate('disconnectDaemon', { epoch: gone.epoch }, 'daemon { id }');
      const sharer = await spawn(owner, contractId, { useOwnWorktree: false });
      await rowsOf(server, `update daemon set status = 'CONNECTED' where ${which}`);
      const candidate = { id: sharer as Id<'task'>, contractId: contractId as Id<'contract'> };
      const [resumed] = await Promise.all([
        owner.mutate('resumeSupervisor', { contractId }, 'task { attempt status }'),
        claimTask(server.runtime, { ...candidate, ownerId: await ownerOf(contractId) }),
      ]);
      if (resumed.task.status === 'PENDING') await server.scheduler.sweepNow();
      const started = await other.start(supervisorId, 2);
      await server.scheduler.sweepNow();
      const shared = await other.start(sharer);
      expect(shared.worktreeId).toBe(started.worktreeId);
      await other.report(supervisorId, 2, 'DONE');
      await other.report(sharer, 1, 'DONE');
    }
  },
);

test.skipIf(embedded)(
  'a supervisor that is resumed while somebody has its daemon for a moment stays with it and its copy',
  async () => {
    const owner = await newOwner();
    const home = (await HandDaemon.connect(owner, { name: 'home', max: 50 })).alive();
    const { contractId, supervisorId } = await openContract(owner);
    const { worktreeId } = await home.start(supervisorId, undefined, 'session');
    await home.report(supervisorId, 1, 'FAILED');
    (await HandDaemon.connect(owner, { name: 'other', max: 50 })).alive();
    const resumed = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const holder = transact(server.runtime, async (tx) => {
      const id = toUuid(home.id as Id<'daemon'>);
      await sql`select 1 from daemon where id = ${id} for no key update`.execute(kysely(tx.em));
      held.resolve();
      await resumed.promise;
    });
    await held.promise;
    const { task } = await owner.mutate('resumeSupervisor', { contractId }, 'task { status }');
    expect(task.status).toBe('PENDING');
    resumed.resolve();
    await holder;
    expect((await home.start(supervisorId, 2)).worktreeId).toBe(worktreeId);
  },
);

test.skipIf(embedded)(
  'a daemon that registers as it is removed is removed, and neither waits for the other in a circle',
  async () => {
    const owner = await newOwner();
    const registration = { name: 'd', hostname: 'd', version: '0', agents: ['shell'], maxConcurrentTasks: 1 };
    for (let round = 0; round < 12; round += 1) {
      const daemon = await HandDaemon.connect(owner, { name: `daemon ${round}` });
      const register = (caller = daemon.api) =>
        caller.post('mutation($input: RegisterDaemonInput!) { registerDaemon(input: $input) { epoch } }', {
          input: registration,
        });
      const rotateAndRegister = async (keyId: string) => {
        const rotated = await owner.post(
          'mutation($input: RotateKeyInput!) { rotateKey(input: $input) { key } }',
          { input: { keyId, graceSeconds: 600 } },
        );
        return rotated.errors ? rotated : register(owner.as(rotated.data?.rotateKey.key));
      };
      const uuid = toUuid(daemon.id as Id<'daemon'>);
      const [key] = await rowsOf<{ id: string }>(server, `select id from key where daemon_id = '${uuid}'`);
      const [, ...answers] = await Promise.all([
        owner.mutate('removeDaemon', { daemonId: daemon.id }, 'daemon { id }'),
        ...[register(), rotateAndRegister(fromUuid('key', key?.id ?? '')), register()],
      ]);
      const codes = answers.flatMap(({ errors }) => errors?.map((error) => error.extensions.code) ?? []);
      // A key that was revoked is not rotated.
      const allowed = ['UNAUTHENTICATED', 'INVALID_TRANSITION'];
      expect(codes.filter((code) => !allowed.includes(String(code)))).toEqual([]);
      const which = `id = '${uuid}'`;
      expect(await countOf(server, 'key', `daemon_id = '${uuid}' and revoked_at is null`)).toBe(0);
      expect(
        await rowsOf(server, `select status, removed_at is null as is_there from daemon where ${which}`),
      ).toEqual([{ status: 'DISCONNECTED', is_there: false }]);
    }
  },
);

test('of several that delete a contract at once one does, and the others are told that it is gone', async () => {
  const owner = await newOwner();
  for (let round = 0; round < ROUNDS / 2; round += 1) {
    const { contractId } = await openContract(owner, { startSupervisor: false });
    await owner.mutate('completeContract', { contractId }, 'contract { id }');
    await owner.mutate('archiveContract', { contractId }, 'contract { id }');
    const text = 'mutation($input: DeleteContractInput!) { deleteContract(input: $input) { contractId } }';
    const answers = await Promise.all([1, 2, 3].map(() => owner.post(text, { input: { contractId } })));
    const codes = answers.map(({ errors }) => errors?.[0]?.extensions.code ?? 'deleted').sort();
    expect(codes).toEqual(['NOT_FOUND', 'NOT_FOUND', 'deleted']);
  }
});

test.skipIf(embedded)('what is said of a contract as it is deleted never stands in the way', async () => {
  const owner = await newOwner();
  const daemon = (await HandDaemon.connect(owner, { max: 50 })).alive();
  for (let round = 0; round < 8; round += 1) {
    const { contractId, supervisorId: taskId } = await openContract(owner);
    await daemon.start(taskId);
    await owner.mutate('completeContract', { contractId, cancelTasks: true }, 'contract { id }');
    await owner.mutate('archiveContract', { contractId }, 'contract { id }');
    const entries = [{ type: 'STDOUT', content: 'x', createdAt: new Date().toISOString() }];
    const call = (api: Api, name: string, input: object) =>
      api.post(
        `mutation($input: ${name[0]?.toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) { __typename } }`,
        {
          input,
        },
      );
    const [deleted, ...others] = await Promise.all([
      call(owner, 'deleteContract', { contractId }),
      call(daemon.api, 'appendTaskOutput', { taskId, attempt: 1, firstIndex: 0, entries }),
      call(daemon.api, 'reportTask', { taskId, attempt: 1, status: 'CANCELLED', outputCount: 0 }),
      call(owner, 'sendMessage', { taskId, content: 'x' }),
    ]);
    expect(deleted.errors).toBeUndefined();
    const codes = others.flatMap(({ errors }) => errors?.map((error) => error.extensions.code) ?? []);
    expect(codes).not.toContain('UNAVAILABLE');
    expect(codes).not.toContain('INTERNAL');
  }
});

async function ownerOf(contractId: string): Promise<Id<'owner'>> {
  const id = toUuid(contractId as Id<'contract'>);
  const [row] = await rowsOf<{ owner_id: string }>(
    server,
    `select owner_id from contract where id = '${id}'`,
  );
  return fromUuid('owner', row?.owner_id ?? '');
}
