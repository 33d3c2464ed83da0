import { expect, test } from 'vitest';
import WebSocket from 'ws';
import { Api, eventually } from '../support/api.ts';
import { HandDaemon } from '../support/daemon.ts';
import { embedded } from '../support/database.ts';
import { rawSocket } from '../support/raw.ts';
import { runningTask } from '../support/running-task.ts';
import { startTestServer } from '../support/server.ts';
import { SseSubscription } from '../support/sse.ts';

const { api, server, another } = await startTestServer({ logLevel: 'silent' });
const daemon = await HandDaemon.connect(api, { max: 100 });

const VIEWER = '{ viewer { kind } }';
const OUTPUT = 'subscription($id: ID!) { taskOutput(taskId: $id, afterSequence: 0) { content } }';
const UNKNOWN = `tmk_user_${'a'.repeat(43)}`;

// It takes 10 s until a client that says nothing is closed: it begins before everything else and ends last.
const silent = rawSocket(server.url);

test('a call without a key, or with one that is unknown or malformed, is UNAUTHENTICATED over HTTP and SSE', async () => {
  for (const key of [null, UNKNOWN, 'nonsense', '', `${api.key}x`]) {
    expect((await api.as(key).refused(VIEWER)).code, `key ${key}`).toBe('UNAUTHENTICATED');
    const sse = new SseSubscription(api.as(key), 'subscription { questionAsked { id } }');
    expect(await sse.refusalCode(), `SSE, key ${key}`).toBe('UNAUTHENTICATED');
  }
});

test('a WebSocket without a key, or with one that is unknown, is closed with 4401', async () => {
  for (const key of [null, UNKNOWN, 'nonsense']) {
    expect(await api.as(key).subscribe(VIEWER).closeCode(), `key ${key}`).toBe(4401);
  }
});

test('a key that has expired is refused over HTTP and WebSocket', async () => {
  const { key } = await api.mutate('createKey', { kind: 'USER', name: 'short' }, 'key');
  expect((await api.as(key).ask(VIEWER)).viewer).toEqual({ kind: 'USER' });
  await server.runtime.db
    .fork()
    .execute("update key set expires_at = now() - interval '1 second' where name = 'short'");
  expect((await api.as(key).refused(VIEWER)).code).toBe('UNAUTHENTICATED');
  expect(await api.as(key).subscribe(VIEWER).closeCode()).toBe(4401);
});

test('when an attempt ends its tool key dies: its WebSockets are closed with 4403 within a second, HTTP is UNAUTHENTICATED', async () => {
  const { taskId, agent } = await runningTask(api, daemon);
  const other = await runningTask(api, daemon);
  await daemon.append(taskId, 1, 0, ['one']);
  const servers = embedded ? [server] : [server, await another()];
  const sockets = servers.map(({ url }) => new Api(url, agent.key).subscribe(OUTPUT, { id: taskId }));
  const stays = other.agent.subscribe(OUTPUT, { id: other.taskId });
  for (const socket of sockets) await socket.count(1);
  await daemon.report(taskId, 1, 'DONE', { outputCount: 1 });
  const reportedAt = performance.now();
  for (const socket of sockets) expect(await socket.closeCode()).toBe(4403);
  expect(performance.now() - reportedAt).toBeLessThan(1_000);
  expect((await agent.refused(VIEWER)).code).toBe('UNAUTHENTICATED');
  expect(await agent.subscribe(VIEWER).closeCode()).toBe(4401);
  await daemon.append(other.taskId, 1, 0, ['still here']);
  expect(await stays.count(1)).toEqual([{ content: 'still here' }]);
  stays.stop();
});

test('a document that does not parse or fit gives an error over WebSocket, and the socket stays', async () => {
  const { opened, send, type, messages, socket } = rawSocket(server.url);
  await opened;
  send({ type: 'connection_init', payload: { Authorization: `Bearer ${api.key}` } });
  await type('connection_ack');
  send({ type: 'subscribe', id: 'parse', payload: { query: 'subscription {' } });
  send({ type: 'subscribe', id: 'fit', payload: { query: '{ nothing }' } });
  send({ type: 'subscribe', id: 'variables', payload: { query: OUTPUT, variables: { id: { no: 'id' } } } });
  send({
    type: 'subscribe',
    id: 'operation',
    payload: { query: 'query a { viewer { kind } } query b { viewer { kind } }' },
  });
  const said = () => messages.filter(({ id, type: kind }) => id && kind !== 'complete');
  await eventually(() => said().length >= 4);
  send({ type: 'subscribe', id: 'fine', payload: { query: VIEWER } });
  await eventually(() => messages.some((message) => message.id === 'fine' && message.type === 'complete'));
  const errors = Object.fromEntries(said().map((message) => [message.id, JSON.stringify(message)]));
  expect(errors.parse).toContain('GRAPHQL_PARSE_FAILED');
  expect(errors.fit).toContain('GRAPHQL_VALIDATION_FAILED');
  expect(errors.variables).toContain('"INVALID_INPUT"');
  expect(errors.operation).toMatch(/"code":"[A-Z_]+"/);
  expect(messages.find((message) => message.id === 'fine' && message.type === 'next')?.payload).toEqual({
    data: { viewer: { kind: 'USER' } },
  });
  expect(socket.readyState).toBe(WebSocket.OPEN);
  socket.close();
});

test('a document that does not parse or fit is told by its code over HTTP', async () => {
  expect((await api.refused('query {')).code).toBe('GRAPHQL_PARSE_FAILED');
  expect((await api.refused('{ nothing }')).code).toBe('GRAPHQL_VALIDATION_FAILED');
});

test('a WebSocket of another path is refused', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/other`, 'graphql-transport-ws');
  const error = await new Promise<Error>((resolve) => socket.on('error', resolve));
  expect(error.message).toContain('404');
});

test('a WebSocket that never says connection_init is closed with 4408', async () => {
  expect((await silent.closed).code).toBe(4408);
});
