import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { schema } from '../../src/server/schema.ts';
import type { Api } from '../support/api.ts';
import { HandDaemon, openContract, spawn, untilStatus } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing, countOf, rowsOf } from '../support/snapshot.ts';
import { CALLERS, type Caller, MUTATIONS, type Operation, QUERIES, SLOW, type World } from './operations.ts';

const { api, server, newOwner } = await startTestServer();

const daemon = await HandDaemon.connect(api, { name: 'one' });
const { contractId, supervisorId } = await openContract(api);
const supervisor = await daemon.start(supervisorId);
const second = await openContract(api);
const otherSupervisor = await daemon.start(second.supervisorId);
const worker = await daemon.start(await spawn(api, contractId));
const taskId = await spawn(api, contractId);
const spare = await daemon.start(taskId);

const finishedId = await spawn(api, contractId);
const finished = await daemon.start(finishedId);
await daemon.finish(finishedId, 1);

const retriedId = await spawn(api, contractId);
const older = await daemon.start(retriedId);
const otherDaemon = await HandDaemon.connect(api, { name: 'two' });
await daemon.report(retriedId, 1, 'INTERRUPTED');
const retried = await otherDaemon.start(retriedId);

const other = await newOwner();
const otherOwnersDaemon = await HandDaemon.connect(other, { name: 'theirs' });
const { question } = await supervisor.agent.mutate(
  'askQuestion',
  { question: 'May I?', waitSeconds: 0 },
  'question { id }',
);
await otherDaemon.api.mutate('disconnectDaemon', { epoch: otherDaemon.epoch }, 'daemon { id }');
await daemon.start(retriedId, 3);
await otherDaemon.register({ name: 'two' });
const unaccepted = await daemon.command('SPAWN_TASK', await spawnFor('only-one'));

const spareKey = await api.mutate('createKey', { kind: 'USER', name: 'spare' }, 'record { id }');

const world: World = {
  keyId: spareKey.record.id,
  contractId,
  taskId,
  questionId: question.id,
  daemonId: daemon.id,
  commandId: unaccepted.id,
  worktreeId: spare.command.payload.worktree.id,
};

/** A task that only the first daemon can take. */
async function spawnFor(agent: string): Promise<string> {
  await daemon.register({ name: 'one', agents: ['shell', agent] });
  return spawn(api, contractId, { agent });
}

const callers: Record<Caller, Api> = {
  user: api,
  otherOwner: other,
  otherSupervisor: otherSupervisor.agent,
  workTask: worker.agent,
  daemon: daemon.api,
  otherDaemon: otherDaemon.api,
  otherOwnersDaemon: otherOwnersDaemon.api,
};
const unauthenticated: Record<string, Api> = {
  'no key': api.as(null),
  'an unknown key': api.as(`tmk_user_${randomBytes(32).toString('base64url')}`),
  'what is no key': api.as('secret'),
  'the key of a finished task': finished.agent,
  'the key of an older attempt': older.agent,
  'the key of an attempt whose daemon left': retried.agent,
};

function document(kind: string, operation: Operation): string {
  const given = operation.arguments(world);
  return `${kind} { ${operation.field}${given ? `(${given})` : ''} ${operation.scalar ? '' : `{ ${operation.selection ?? '__typename'} }`} }`;
}

/** Checks that the ones who are refused get their code, and that not a row has changed. */
async function checkRefusals(kind: string, operation: Operation): Promise<void> {
  const query = document(kind, operation);
  await changesNothing(server, async () => {
    const asked = [
      ...CALLERS.map((caller) => ({ caller, api: callers[caller], code: operation.expected[caller] })),
      ...Object.entries(unauthenticated).map(([caller, each]) => ({
        caller,
        api: each,
        code: 'UNAUTHENTICATED',
      })),
    ].filter(({ code }) => code !== 'allowed');
    const answers = await Promise.all(
      asked.map(async ({ caller, api: each }) => [caller, (await each.refused(query)).code]),
    );
    expect(Object.fromEntries(answers)).toEqual(
      Object.fromEntries(asked.map(({ caller, code }) => [caller, code])),
    );
  });
}

describe('who is refused, with which code, and that it changes nothing', () => {
  test.each(QUERIES)('query $field', (operation) => checkRefusals('query', operation));
  test.each(MUTATIONS)('mutation $field', (operation) => checkRefusals('mutation', operation));

  test('the table has a row for every query and every mutation of the schema', () => {
    const fields = (type: 'getQueryType' | 'getMutationType') =>
      Object.keys(schema[type]()?.getFields() ?? {}).sort();
    const rows = (operations: readonly Operation[]) =>
      [...new Set(operations.map(({ field }) => field))].sort();
    expect(rows(QUERIES)).toEqual(fields('getQueryType'));
    expect(rows(MUTATIONS)).toEqual(fields('getMutationType'));
  });
});

test.each(QUERIES.filter(({ field }) => !SLOW.includes(field)))(
  'those who may read $field get it',
  async (operation) => {
    for (const caller of CALLERS) {
      if (operation.expected[caller] === 'allowed') await callers[caller].ask(document('query', operation));
    }
  },
);

test('a supervisor that names nothing acts in its own contract; its key implies it', async () => {
  const { contract } = (
    await supervisor.agent.mutate(
      'spawnTask',
      { name: 'x', plan: 'x', useOwnWorktree: true, agent: 'nobody' },
      'task { contract { id } }',
    )
  ).task;
  expect(contract.id).toBe(contractId);
});

test('a supervisor waits for, reads and steers tasks of its own contract only', async () => {
  const foreignTask = await spawn(api, second.contractId, { agent: 'nobody' });
  await changesNothing(server, async () => {
    const query = 'query($ids: [ID!]!) { waitForTasks(taskIds: $ids) { status } }';
    expect((await supervisor.agent.refused(query, { ids: [taskId, foreignTask] })).code).toBe(
      'CONTRACT_MISMATCH',
    );
    const spawned = await supervisor.agent.mutationRefused('spawnTask', {
      name: 'x',
      plan: 'x',
      parentTaskId: foreignTask,
    });
    expect(spawned).toMatchObject({ code: 'INVALID_INPUT', field: 'parentTaskId' });
  });
});

test('a daemon key does nothing before it has registered, and nobody answers for another daemon', async () => {
  const { key } = await api.mutate('createKey', { kind: 'DAEMON', name: 'fresh' }, 'key');
  await changesNothing(server, async () => {
    expect((await api.as(key).mutationRefused('heartbeatDaemon', { epoch: 1 })).code).toBe('FORBIDDEN');
    const accepting = { commandId: unaccepted.id, epoch: 1 };
    expect((await api.as(key).mutationRefused('acceptCommand', accepting)).code).toBe('FORBIDDEN');
    const query = 'subscription($id: ID!) { daemonCommands(daemonId: $id, epoch: 1) { id } }';
    expect((await otherDaemon.api.subscribe(query, { id: daemon.id }).refusal()).code).toBe('NOT_FOUND');
  });
});

describe('keys', () => {
  test('no key stands in any column of any table: only its hash is stored', async () => {
    await untilStatus(api, supervisorId, 'RUNNING');
    const created = await api.mutate('createKey', { kind: 'USER', name: 'second' }, 'key name kind');
    expect(created).toMatchObject({
      name: 'second',
      kind: 'USER',
      key: expect.stringMatching(/^tmk_user_[\w-]{43}$/),
    });
    expect(supervisor.toolKey).toMatch(/^tmk_task_[\w-]{43}$/);
    const keys = [api.key, created.key, supervisor.toolKey, daemon.api.key] as string[];
    const columns = await rowsOf<{ table_name: string; column_name: string }>(
      server,
      "select table_name, column_name from information_schema.columns where table_schema = 'public'",
    );
    for (const table of Map.groupBy(columns, ({ table_name }) => table_name).keys()) {
      for (const key of keys) {
        // Its secret part alone would be as bad as the whole.
        const secret = key.slice(key.lastIndexOf('_', 9) + 1);
        expect(await countOf(server, table, `position('${secret}' in "${table}"::text) > 0`), table).toBe(0);
      }
    }
    expect(await countOf(server, 'key', "hash !~ '^[0-9a-f]{64}$'")).toBe(0);
    expect((await api.as(created.key).ask('{ viewer { kind keyName } }')).viewer).toEqual({
      kind: 'USER',
      keyName: 'second',
    });
  });

  test('each kind of key is told who it is', async () => {
    const ask = (each: Api) => each.ask('{ viewer { kind task { id } daemon { id } } }');
    expect((await ask(supervisor.agent)).viewer).toEqual({
      kind: 'SUPERVISOR',
      task: { id: supervisorId },
      daemon: null,
    });
    expect((await ask(worker.agent)).viewer.kind).toBe('WORK');
    expect((await ask(daemon.api)).viewer).toEqual({ kind: 'DAEMON', task: null, daemon: { id: daemon.id } });
  });

  test('a tool key is also taken from X-Tool-Key', async () => {
    const response = await fetch(api.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-tool-key': worker.toolKey },
      body: JSON.stringify({ query: '{ viewer { kind } }' }),
    });
    expect(await response.json()).toEqual({ data: { viewer: { kind: 'WORK' } } });
  });
});
