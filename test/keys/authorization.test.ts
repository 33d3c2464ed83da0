import { describe, expect, test } from 'vitest';
import { schema } from '../../src/server/schema.ts';
import type { Api } from '../support/api.ts';
import { StillClock } from '../support/clock.ts';
import { spawn } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing, countOf, rowsOf, snapshot } from '../support/snapshot.ts';
import { assemble } from './cast.ts';
import {
  CALLERS,
  MUTATIONS,
  type Operation,
  type Outcome,
  QUERIES,
  SLOW,
  SUBSCRIPTIONS,
} from './operations.ts';

// For whom time stands still, so that nothing happens by itself while it is compared.
const started = await startTestServer({ clock: new StillClock() });
const { api, server } = started;
const cast = await assemble(started);
const { callers, unauthenticated, world, daemon, otherDaemon, first, second } = cast;

function document(kind: string, operation: Operation): string {
  const given = operation.arguments(world);
  return `${kind} { ${operation.field}${given ? `(${given})` : ''} ${operation.scalar ? '' : `{ ${operation.selection ?? '__typename'} }`} }`;
}

type Kind = 'query' | 'mutation' | 'subscription';
const TABLE: [Kind, Operation][] = [
  ...QUERIES.map((operation): [Kind, Operation] => ['query', operation]),
  ...MUTATIONS.map((operation): [Kind, Operation] => ['mutation', operation]),
  ...SUBSCRIPTIONS.map((operation): [Kind, Operation] => ['subscription', operation]),
];

/** What everybody who is to be refused is told, beside what they are to be told. */
async function refusalsOf(kind: Kind, operation: Operation): Promise<{ got: object; expected: object }> {
  const query = document(kind, operation);
  const asked: [string, Api, Outcome | 'UNAUTHENTICATED'][] = [
    ...CALLERS.map((caller): [string, Api, Outcome] => [caller, callers[caller], operation.expected[caller]]),
    ...Object.entries(unauthenticated).map(([why, each]): [string, Api, 'UNAUTHENTICATED'] => [
      why,
      each,
      'UNAUTHENTICATED',
    ]),
  ];
  const refused = asked.filter(([, , code]) => code !== 'allowed');
  const got = await Promise.all(
    refused.map(async ([caller, each, code]) => [caller, await codeOf(kind, each, query, code)]),
  );
  const expected = refused.map(([caller, , code]) => [caller, code]);
  return { got: Object.fromEntries(got), expected: Object.fromEntries(expected) };
}

async function codeOf(kind: Kind, caller: Api, query: string, code: string): Promise<string> {
  if (kind !== 'subscription') return (await caller.post(query)).errors?.[0]?.extensions.code ?? 'allowed';
  const subscription = caller.subscribe(query);
  // A socket without a valid key is not even opened.
  if (code === 'UNAUTHENTICATED') return (await subscription.closeCode()) === 4401 ? code : 'opened';
  return (await subscription.refusal()).code;
}

const before = await snapshot(server);
const refusals = new Map<Operation, Awaited<ReturnType<typeof refusalsOf>>>();
for (const [kind, operation] of TABLE) refusals.set(operation, await refusalsOf(kind, operation));
const after = await snapshot(server);

describe('who is refused, with which code', () => {
  test.each(TABLE)('%s $field', (_kind, operation) => {
    expect(refusals.get(operation)?.got).toEqual(refusals.get(operation)?.expected);
  });

  test('and not a row of the database differs after all of it', () => {
    expect(after).toEqual(before);
  });

  test.each([
    ['query', QUERIES, schema.getQueryType()],
    ['mutation', MUTATIONS, schema.getMutationType()],
    ['subscription', SUBSCRIPTIONS, schema.getSubscriptionType()],
  ] as const)('the table has a row for every %s of the schema', (_kind, operations, type) => {
    const rows = [...new Set(operations.map(({ field }) => field))].sort();
    expect(rows).toEqual(Object.keys(type?.getFields() ?? {}).sort());
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
    await first.supervisor.mutate(
      'spawnTask',
      { name: 'x', plan: 'x', useOwnWorktree: true, agent: 'nobody' },
      'task { contract { id } }',
    )
  ).task;
  expect(contract.id).toBe(first.contractId);
});

test('a supervisor waits for, reads and steers tasks of its own contract only', async () => {
  const foreignTask = await spawn(api, second.contractId, { agent: 'nobody' });
  await changesNothing(server, async () => {
    const query = 'query($ids: [ID!]!) { waitForTasks(taskIds: $ids) { status } }';
    expect((await first.supervisor.refused(query, { ids: [first.taskId, foreignTask] })).code).toBe(
      'CONTRACT_MISMATCH',
    );
    const spawned = await first.supervisor.mutationRefused('spawnTask', {
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
    const accepting = { commandId: world.commandId, epoch: 1 };
    expect((await api.as(key).mutationRefused('acceptCommand', accepting)).code).toBe('FORBIDDEN');
    const query = 'subscription($id: ID!) { daemonCommands(daemonId: $id, epoch: 1) { id } }';
    expect((await otherDaemon.api.subscribe(query, { id: daemon.id }).refusal()).code).toBe('NOT_FOUND');
  });
});

describe('keys', () => {
  test('no key stands in any column of any table: only its hash is stored', async () => {
    const created = await api.mutate('createKey', { kind: 'USER', name: 'second' }, 'key name kind');
    expect(created).toMatchObject({
      name: 'second',
      kind: 'USER',
      key: expect.stringMatching(/^tmk_user_[\w-]{43}$/),
    });
    expect(first.supervisor.key).toMatch(/^tmk_task_[\w-]{43}$/);
    const keys = [api.key, created.key, first.supervisor.key, daemon.api.key] as string[];
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
    expect((await ask(first.supervisor)).viewer).toEqual({
      kind: 'SUPERVISOR',
      task: { id: first.supervisorId },
      daemon: null,
    });
    expect((await ask(first.worker)).viewer.kind).toBe('WORK');
    expect((await ask(daemon.api)).viewer).toEqual({ kind: 'DAEMON', task: null, daemon: { id: daemon.id } });
  });

  test('a tool key is also taken from X-Tool-Key', async () => {
    const response = await fetch(api.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-tool-key': String(first.worker.key) },
      body: JSON.stringify({ query: '{ viewer { kind } }' }),
    });
    expect(await response.json()).toEqual({ data: { viewer: { kind: 'WORK' } } });
  });
});
