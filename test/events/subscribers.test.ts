import { expect, test } from 'vitest';
import { type Id, toUuid } from '../../src/platform/ids.ts';
import { type Answer, eventually } from '../support/api.ts';
import { HandDaemon, spawn } from '../support/daemon.ts';
import { numbered, runningTask } from '../support/running-task.ts';
import { startTestServer } from '../support/server.ts';
import { SseSubscription } from '../support/sse.ts';
import { statementsDuring } from '../support/statements.ts';

const { api, server } = await startTestServer();
const daemon = await HandDaemon.connect(api, { max: 100 });
const contract = await runningTask(api, daemon);
const { contractId, taskId } = contract;

const fields = 'sequence eventType occurredAt';
const kinds: { name: string; query: string; variables: object; expected: number }[] = [
  {
    name: 'contractEvents',
    query: `subscription($contractId: ID!, $after: Int) { contractEvents(contractId: $contractId, afterSequence: $after) { ${fields} __typename } }`,
    variables: { contractId },
    expected: 0,
  },
  {
    name: 'taskOutput',
    query: `subscription($taskId: ID!, $after: Int) { taskOutput(taskId: $taskId, afterSequence: $after) { ${fields} attempt type content task { id } } }`,
    variables: { taskId },
    expected: 30,
  },
  {
    name: 'contractOutput',
    query: `subscription($contractId: ID!, $after: Int) { contractOutput(contractId: $contractId, afterSequence: $after, role: WORK) { ${fields} content task { id } } }`,
    variables: { contractId },
    expected: 40,
  },
  {
    name: 'taskCompleted of a contract',
    query: `subscription($contractId: ID!, $after: Int) { taskCompleted(contractId: $contractId, afterSequence: $after) { ${fields} status outputSummary errorMessage task { id } } }`,
    variables: { contractId },
    expected: 2,
  },
  {
    name: 'taskCompleted of a task',
    query: `subscription($taskId: ID!, $after: Int) { taskCompleted(taskId: $taskId, afterSequence: $after) { ${fields} status outputSummary } }`,
    variables: { taskId },
    expected: 1,
  },
  {
    name: 'taskUpdated',
    query: `subscription($contractId: ID!, $after: Int) { taskUpdated(contractId: $contractId, afterSequence: $after) { ${fields} status version updatedFields updatedBy task { id } } }`,
    variables: { contractId },
    expected: 0,
  },
];

async function lastSequence(): Promise<number> {
  const { contract: found } = await api.ask('query($id: ID!) { contract(id: $id) { lastSequence } }', {
    id: contractId,
  });
  return found.lastSequence;
}

/** How many events of the contract's log are of these types. */
async function logged(...types: string[]): Promise<number> {
  const list = types.map((type) => `'${type}'`).join(', ');
  const [row] = await server.runtime.db
    .fork()
    .execute(`select count(*)::int as n from contract_event where type in (${list})`);
  return row?.n ?? 0;
}

test('a late subscriber gets the same events as one that was there from the start, over WebSocket and SSE', async () => {
  const early = kinds.map(({ query, variables }) => api.subscribe(query, { ...variables, after: 0 }));
  const earlySse = kinds.map(
    ({ query, variables }) => new SseSubscription(api, query, { ...variables, after: 0 }),
  );
  await Promise.all([early[0]?.count(1), earlySse[0]?.count(1)]);
  const middle = await lastSequence();

  const other = await spawn(api, contractId, { name: 'Other' });
  await daemon.start(other);
  for (const first of [0, 10, 20])
    await daemon.append(taskId, 1, first, numbered('line', 30).slice(first, first + 10));
  await daemon.append(other, 1, 0, numbered('other', 10));
  await daemon.append(contract.supervisorId, 1, 0, numbered('supervisor', 10));
  await daemon.report(taskId, 1, 'DONE', { outputCount: 30, outputSummary: 'said' });
  await daemon.report(other, 1, 'FAILED', { outputCount: 10, errorMessage: 'broke' });
  const last = await lastSequence();

  const all = await early[0]?.until((received) => received.at(-1)?.sequence === last);
  expect(all?.map((event) => event.sequence)).toEqual(Array.from({ length: last }, (_, index) => index + 1));
  for (const [index, kind] of kinds.entries()) {
    const count =
      { contractEvents: last, taskUpdated: await logged('TASK_CREATED', 'TASK_UPDATED') }[kind.name] ??
      kind.expected;
    const there = (await early[index]?.count(count)) ?? [];
    expect(there, kind.name).toHaveLength(count);
    expect(await earlySse[index]?.count(count), `${kind.name}, early, SSE`).toEqual(there);
    for (const after of [0, middle]) {
      const expected = there.filter((event: Answer) => event.sequence > after);
      const late = api.subscribe(kind.query, { ...kind.variables, after });
      const lateSse = new SseSubscription(api, kind.query, { ...kind.variables, after });
      expect(await late.count(expected.length), `${kind.name} after ${after}, WebSocket`).toEqual(expected);
      expect(await lateSse.count(expected.length), `${kind.name} after ${after}, SSE`).toEqual(expected);
      late.stop();
      lateSse.stop();
    }
  }
  for (const each of [...early, ...earlySse]) each.stop();
});

test('a completion comes after the last of the output', async () => {
  const events = await api
    .subscribe(
      'subscription($id: ID!) { contractEvents(contractId: $id, afterSequence: 0) { sequence eventType ... on OutputEntry { task { id } } ... on TaskCompletedEvent { task { id } } } }',
      {
        id: contractId,
      },
    )
    .count(await lastSequence());
  const mine = events.filter((event) => event.task?.id === taskId).map((event) => event.eventType);
  expect(mine.lastIndexOf('OUTPUT')).toBeLessThan(mine.indexOf('TASK_COMPLETED'));
});

test('without a cursor a subscriber gets what happens from now on, without a gap', async () => {
  const { taskId: quiet } = await runningTask(api, daemon);
  await daemon.append(quiet, 1, 0, numbered('before', 5));
  const query = 'subscription($id: ID!) { taskOutput(taskId: $id) { content } }';
  const subscribers = [api.subscribe(query, { id: quiet }), new SseSubscription(api, query, { id: quiet })];
  let index = 5;
  // Nothing tells when a subscription has begun, so there is output until each has some.
  while (subscribers.some(({ received }) => received.length === 0))
    await daemon.append(quiet, 1, index, [`line ${index++}`]);
  await daemon.append(quiet, 1, index, [`line ${index}`]);
  for (const subscriber of subscribers) {
    await eventually(() => subscriber.received.at(-1)?.content === `line ${index}`);
    const expected = numbered('line', index + 1).slice(-subscriber.received.length);
    expect(subscriber.received.map((entry) => entry.content)).toEqual(expected);
    subscriber.stop();
  }
});

const CURSOR =
  'subscription($id: ID!, $after: Int) { contractEvents(contractId: $id, afterSequence: $after) { sequence } }';

test('a cursor that is negative, beyond the end or pruned is refused with CURSOR_INVALID, over WebSocket and SSE', async () => {
  const { contractId: id } = await runningTask(api, daemon);
  const em = server.runtime.db.fork();
  const { contract: found } = await api.ask('query($id: ID!) { contract(id: $id) { lastSequence } }', { id });
  const last = found.lastSequence;
  await em.execute(`update contract_counter set pruned = 3 where contract_id = '${toUuid(id as Id)}'`);
  await em.execute(`delete from contract_event where contract_id = '${toUuid(id as Id)}' and sequence <= 3`);
  for (const after of [-1, last + 1, 2_147_483_647, 0, 2]) {
    const refusal = await api.subscribe(CURSOR, { id, after }).refusal();
    expect(refusal, `after ${after}`).toMatchObject({
      code: 'CURSOR_INVALID',
      field: 'afterSequence',
      extensions: { last, pruned: 3 },
    });
    expect(await new SseSubscription(api, CURSOR, { id, after }).refusalCode()).toBe('CURSOR_INVALID');
  }
  const rest = await api.subscribe(CURSOR, { id, after: 3 }).count(last - 3);
  expect(rest[0].sequence).toBe(4);
  const atTheEnd = api.subscribe(CURSOR, { id, after: last });
  await api.mutate(
    'sendMessage',
    { taskId: (await spawn(api, id)) as string, content: 'hello' },
    'message { id }',
  );
  expect((await atTheEnd.count(1))[0].sequence).toBe(last + 1);
});

test('an empty list of types gives nothing and is no error, also from storage', async () => {
  const query =
    'subscription($id: ID!) { contractEvents(contractId: $id, afterSequence: 0, types: []) { sequence } }';
  const none = api.subscribe(query, { id: contractId });
  const all = api.subscribe(CURSOR, { id: contractId, after: 0 });
  await all.count(await lastSequence());
  expect(none.ended).toBeUndefined();
  expect(none.received).toEqual([]);
});

test('a subscriber behind the window of the tail gets all in order from storage', async () => {
  const { contractId: id, taskId: loud } = await runningTask(api, daemon);
  const there = api.subscribe(CURSOR, { id, after: 0 });
  await there.count(1);
  const lines = numbered('line', 3_000);
  for (let first = 0; first < lines.length; first += 1_500)
    await daemon.append(loud, 1, first, lines.slice(first, first + 1_500));
  const output = 'subscription($id: ID!) { taskOutput(taskId: $id, afterSequence: 0) { content } }';
  const late = api.subscribe(output, { id: loud });
  const lateSse = new SseSubscription(api, output, { id: loud });
  expect((await late.count(3_000)).map((entry) => entry.content)).toEqual(lines);
  expect((await lateSse.count(3_000)).map((entry) => entry.content)).toEqual(lines);
  await there.count(3_000);
  expect(there.received.map((event) => event.sequence)).toEqual(there.received.map((_, index) => index + 1));

  // A filter that lets one of 3,000 through: once it has come to the end, it never reads storage again.
  const statements = await statementsDuring(server, async (soFar) => {
    const rare = api.subscribe(
      'subscription($id: ID!) { taskCompleted(taskId: $id, afterSequence: 0) { sequence } }',
      { id: loud },
    );
    await eventually(() => pagesOf('TASK_COMPLETED', soFar).length > 0);
    for (let index = 3_000; index < 3_020; index += 1) await daemon.append(loud, 1, index, ['more']);
    await daemon.report(loud, 1, 'DONE', { outputCount: 3_020 });
    await rare.count(1);
  });
  expect(pagesOf('TASK_COMPLETED', statements).length).toBeLessThanOrEqual(2);
});

/** The statements that read a page of the log for a filter: the tail itself has none. */
function pagesOf(type: string, statements: readonly string[]): string[] {
  return statements.filter((sql) => sql.includes('from contract_event') && sql.includes(`type = '${type}'`));
}
