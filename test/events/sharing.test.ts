import { expect, test } from 'vitest';
import WebSocket from 'ws';
import { logEvent } from '../../src/events/append.ts';
import { topics } from '../../src/platform/doorbell.ts';
import { fromUuid, type Id, newId } from '../../src/platform/ids.ts';
import { transact } from '../../src/platform/transaction.ts';
import type { Api, Subscription } from '../support/api.ts';
import { eventually } from '../support/api.ts';
import { onEnd } from '../support/cleanup.ts';
import { HandDaemon } from '../support/daemon.ts';
import { numbered, runningTask } from '../support/running-task.ts';
import { startTestServer } from '../support/server.ts';
import { SseSubscription } from '../support/sse.ts';
import { statementsDuring } from '../support/statements.ts';

const { api, server, newOwner } = await startTestServer({ logLevel: 'silent' });
const daemon = (await HandDaemon.connect(api, { max: 100 })).alive();
const { contractId, taskId, supervisor, agent } = await runningTask(api, daemon);
const colleague = api.as(
  (await api.mutate('createKey', { kind: 'USER', name: 'colleague' }, 'key')).key as string,
);

/** Loading the task for its status is one statement an execution, by which executions can be counted. */
const OUTPUT =
  'subscription($id: ID!, $after: Int, $role: TaskRole) { contractOutput(contractId: $id, afterSequence: $after, role: $role) { sequence content task { name status } } }';
let nextIndex = 0;

async function lastSequence(): Promise<number> {
  const { contract } = await api.ask('query($id: ID!) { contract(id: $id) { lastSequence } }', {
    id: contractId,
  });
  return contract.lastSequence;
}

async function append(count = 1): Promise<void> {
  await daemon.append(taskId, 1, nextIndex, numbered('line', count));
  nextIndex += count;
}

/** Waits until all are at the live end: each has got an event that came after it. */
async function untilLive(subscribers: readonly Subscription[]): Promise<void> {
  // Nothing tells when a subscription without a cursor has begun, so there is output until each has some.
  while (subscribers.some(({ received, done }) => received.length === 0 && !done)) await append();
  // What followed from coming one after the other is over.
  await append();
  const last = await lastSequence();
  await Promise.all(subscribers.map((each) => each.until((received) => received.at(-1)?.sequence === last)));
}

/** How often one event is executed while these are subscribed. */
async function executionsFor(subscribers: readonly Subscription[]): Promise<number> {
  await untilLive(subscribers);
  const before = subscribers.map(({ received }) => received.length);
  const statements = await statementsDuring(server, async () => {
    await append();
    await Promise.all(subscribers.map((each, index) => each.count((before[index] ?? 0) + 1)));
  });
  for (const subscriber of subscribers) subscriber.stop();
  return statements.filter((sql) => /from "task"/.test(sql)).length;
}

const variables = { id: contractId, after: await lastSequence() };
const sharing: [what: string, second: () => Subscription, executions: number][] = [
  ['with the same key, operation and variables', () => api.subscribe(OUTPUT, variables), 1],
  ['with another cursor', () => api.subscribe(OUTPUT, { ...variables, after: variables.after - 1 }), 1],
  ['without a cursor', () => api.subscribe(OUTPUT, { id: contractId }), 1],
  ['with another variable', () => api.subscribe(OUTPUT, { ...variables, role: 'WORK' }), 2],
  ['with another key of the same owner', () => colleague.subscribe(OUTPUT, variables), 2],
  ['with the supervisor’s key', () => supervisor.subscribe(OUTPUT, variables), 2],
  ['with a work task’s key', () => agent.subscribe(OUTPUT, variables), 2],
  ['with another selection', () => api.subscribe(OUTPUT.replace('content', 'attempt'), variables), 2],
];
test.each(sharing)(
  'an event is executed for two subscribers, the second %s',
  async (_, second, executions) => {
    expect(await executionsFor([api.subscribe(OUTPUT, variables), second()])).toBe(executions);
  },
);

test('an event is executed once for fifty subscribers, and each gets it under its own id', async () => {
  const subscribers = Array.from({ length: 50 }, () => api.subscribe(OUTPUT, variables));
  expect(await executionsFor(subscribers)).toBe(1);
  for (const { received } of subscribers) expect(received).toEqual(subscribers[0]?.received);
});

test('permission, arguments and cursor are checked for each subscriber, also beside one that was let in', async () => {
  const stranger = await newOwner();
  const first = api.subscribe(OUTPUT, { id: contractId, after: 0 });
  await first.count(1);
  const refused: [Api, object, string][] = [
    [stranger, { id: contractId, after: 0 }, 'NOT_FOUND'],
    [daemon.api, { id: contractId, after: 0 }, 'FORBIDDEN'],
    [api, { id: contractId, after: 1_000_000 }, 'CURSOR_INVALID'],
    [api, { id: taskId, after: 0 }, 'INVALID_INPUT'],
    [api, { id: contractId, after: 'x' }, 'INVALID_INPUT'],
  ];
  for (const [caller, given, code] of refused)
    expect((await caller.subscribe(OUTPUT, given).refusal()).code).toBe(code);
  const before = first.received.length;
  await append();
  await first.count(before + 1);
  first.stop();
});

test('completing, cutting and revoking end one subscriber and leave those that it shares with alone', async () => {
  const { key } = await api.mutate('createKey', { kind: 'USER', name: 'leaver' }, 'key');
  const leaver = api.as(key);
  const staying = [api.subscribe(OUTPUT, variables), colleague.subscribe(OUTPUT, variables)];
  const leaving = [
    api.subscribe(OUTPUT, variables),
    api.subscribe(OUTPUT, variables),
    leaver.subscribe(OUTPUT, variables),
  ];
  await untilLive([...staying, ...leaving]);
  leaving[0]?.stop();
  leaving[1]?.cut();
  await server.runtime.db.fork().execute("update key set revoked_at = now() where name = 'leaver'");
  const [row] = await server.runtime.db.fork().execute("select id from key where name = 'leaver'");
  server.runtime.doorbell.ring([topics.key(fromUuid('key', row?.id))]);
  expect(await leaving[2]?.closeCode()).toBe(4403);
  const gone = leaving.map(({ received }) => received.length);
  const before = staying[0]?.received.length ?? 0;
  await append(5);
  for (const each of staying) await each.count(before + 5);
  const all = await lastSequence();
  for (const { received } of staying) expect(received.at(-1).sequence).toBe(all);
  expect(leaving.map(({ received }) => received.length)).toEqual(gone);
  for (const each of staying) each.stop();
});

test('an event that fails tells each subscriber so, masked, and the next one comes as ever', async () => {
  const two = [api.subscribe(OUTPUT, variables), api.subscribe(OUTPUT, variables)];
  await untilLive(two);
  await transact(server.runtime, async (tx) => {
    const createdAt = tx.now.toISOString();
    const data = { attempt: 1, role: 'WORK', type: 'STDOUT' as const, content: 'of nobody', createdAt };
    logEvent(tx, contractId as Id<'contract'>, { type: 'OUTPUT', taskId: newId('task'), data });
  });
  await append();
  const last = await lastSequence();
  await eventually(() => two.every(({ received }) => received.at(-1)?.sequence === last));
  for (const { ended, received } of two) {
    expect(ended).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
    expect(JSON.stringify(ended)).not.toContain('was deleted while');
    expect(received.map(({ content }) => content)).not.toContain('of nobody');
  }
  for (const each of two) each.stop();
});

test('subscribers with different cursors, alone and together, over WebSocket and SSE, get the same log', async () => {
  const last = await lastSequence();
  const cursors = [0, 1, Math.floor(last / 2), last - 1, last];
  const query =
    'subscription($id: ID!, $after: Int) { contractEvents(contractId: $id, afterSequence: $after) { sequence eventType occurredAt __typename } }';
  const readers = cursors.flatMap((after) => [
    { after, reader: api.subscribe(query, { id: contractId, after }) },
    { after, reader: api.subscribe(query, { id: contractId, after }) },
    { after, reader: new SseSubscription(api, query, { id: contractId, after }) },
    {
      after,
      reader: api.subscribe(query.replace(', $after: Int', '').replace('$after', String(after)), {
        id: contractId,
      }),
    },
  ]);
  for (let round = 0; round < 10; round += 1) await append(7);
  const end = await lastSequence();
  for (const { after, reader } of readers) {
    const got = await reader.count(end - after);
    expect(got.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: end - after }, (_, index) => after + index + 1),
    );
    reader.stop();
  }
});

/** A subscriber that can stop to read, with what came to it under which id. */
async function rawSubscriber(id: string, query: string, variables: object) {
  const socket = new WebSocket(api.url.replace('http', 'ws'), 'graphql-transport-ws');
  onEnd(() => socket.terminate());
  const ids: string[] = [];
  const sequences: number[] = [];
  const acknowledged = new Promise((resolve) => socket.once('message', resolve));
  socket.on('open', () =>
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${api.key}` } })),
  );
  await acknowledged;
  socket.on('message', (data) => {
    const message = JSON.parse(String(data));
    ids.push(message.id);
    sequences.push(message.payload?.data?.taskOutput?.sequence);
  });
  socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query, variables } }));
  return { socket, ids, sequences };
}

test('what waits for a subscriber that does not read for a while is not written over with what the next ones get', async () => {
  const query =
    'subscription($id: ID!, $after: Int) { taskOutput(taskId: $id, afterSequence: $after) { sequence content } }';
  const { taskId: task } = await runningTask(api, daemon);
  await daemon.append(task, 1, 0, ['the first']);
  const names = ['a', 'b', 'c', 'd'];
  const subscribers = await Promise.all(names.map((id) => rawSubscriber(id, query, { id: task, after: 0 })));
  await eventually(() => subscribers.every(({ ids }) => ids.length === 1));
  // Those who come first of all and in between: behind each there is one who reads.
  const deaf = [subscribers[0], subscribers[2]].flatMap((each) => each ?? []);
  for (const { socket } of deaf) socket.pause();
  const count = 1_600;
  const padding = 'x'.repeat(8_000);
  for (let index = 0; index < count; index += 200)
    await daemon.append(task, 1, 1 + index, numbered(padding, 200));
  await eventually(
    () => subscribers[1]?.ids.length === count + 1 && subscribers[3]?.ids.length === count + 1,
  );
  for (const { socket } of deaf) socket.resume();
  await eventually(() => deaf.every(({ ids }) => ids.length === count + 1));
  for (const [index, { ids, sequences }] of subscribers.entries()) {
    expect(new Set(ids)).toEqual(new Set([names[index]]));
    expect(sequences).toEqual(subscribers[1]?.sequences);
  }
});
