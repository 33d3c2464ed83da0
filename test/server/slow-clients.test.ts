import { request } from 'node:http';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import WebSocket from 'ws';
import { eventually } from '../support/api.ts';
import { onEnd } from '../support/cleanup.ts';
import { HandDaemon } from '../support/daemon.ts';
import { numbered, runningTask } from '../support/running-task.ts';
import { startTestServer } from '../support/server.ts';

const logged: string[] = [];
const logger = pino({ level: 'info' }, { write: (line) => void logged.push(line) });
const { api } = await startTestServer({ stallMs: 500, logger });
const daemon = (await HandDaemon.connect(api, { max: 100 })).alive();
const QUERY =
  'subscription($id: ID!, $after: Int) { taskOutput(taskId: $id, afterSequence: $after) { sequence content } }';
/** More than the network between two processes of one machine takes in, besides what may wait. */
const LINES = 4_000;
const PADDING = 'x'.repeat(4_000);

interface Deaf {
  /** Reads again, and tells how it ended. */
  readonly resumed: () => Promise<{ received: number; cut: boolean }>;
}

/** A subscriber over WebSocket that stops reading once it is subscribed. */
async function deafWebSocket(taskId: string): Promise<Deaf> {
  const socket = new WebSocket(api.url.replace('http', 'ws'), 'graphql-transport-ws');
  onEnd(() => socket.terminate());
  let received = 0;
  let cut = false;
  socket.on('error', () => undefined);
  socket.on('close', (code) => {
    cut = code === 1006;
  });
  socket.on('open', () =>
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${api.key}` } })),
  );
  const acknowledged = new Promise((resolve) => socket.once('message', resolve));
  await acknowledged;
  const first = new Promise((resolve) => socket.once('message', resolve));
  socket.on('message', () => void (received += 1));
  socket.send(
    JSON.stringify({
      id: '1',
      type: 'subscribe',
      payload: { query: QUERY, variables: { id: taskId, after: 0 } },
    }),
  );
  await first;
  socket.pause();
  return {
    resumed: async () => {
      socket.resume();
      await eventually(() => cut);
      return { received, cut };
    },
  };
}

/** The same over server-sent events. */
async function deafStream(taskId: string): Promise<Deaf> {
  const body = JSON.stringify({ query: QUERY, variables: { id: taskId, after: 0 } });
  const headers = {
    accept: 'text/event-stream',
    'content-type': 'application/json',
    authorization: `Bearer ${api.key}`,
  };
  let received = 0;
  let cut = false;
  const call = request(api.url, { method: 'POST', headers });
  onEnd(() => call.destroy());
  const { promise, resolve } = Promise.withResolvers<import('node:http').IncomingMessage>();
  call.on('response', resolve);
  call.on('error', () => undefined);
  call.end(body);
  const response = await promise;
  response.on('error', () => void (cut = true));
  response.on('data', (chunk: Buffer) => {
    received += String(chunk).split('event: next').length - 1;
  });
  await eventually(() => received > 0);
  response.pause();
  return {
    resumed: async () => {
      response.resume();
      await eventually(() => cut);
      return { received, cut };
    },
  };
}

test.each([
  ['WebSocket', deafWebSocket],
  ['SSE', deafStream],
])('a subscriber over %s that does not read is cut off, and costs the others nothing', async (_, deaf) => {
  const { taskId } = await runningTask(api, daemon);
  await daemon.append(taskId, 1, 0, ['first']);
  const subscriber = await deaf(taskId);
  const other = api.subscribe(QUERY, { id: taskId, after: 0 });
  for (let first = 1; first < LINES; first += 1_000) {
    const lines = numbered(PADDING, Math.min(1_000, LINES - first));
    await daemon.append(taskId, 1, first, lines);
  }
  const all = await other.count(LINES);
  expect(new Set(all.map(({ sequence }) => sequence)).size).toBe(LINES);
  other.stop();
  await eventually(() => logged.some((line) => line.includes('cut off')));
  logged.length = 0;
  // The kernel has taken some for it; the rest was not sent any more.
  const { received } = await subscriber.resumed();
  expect(received).toBeLessThan(LINES);
});

test('a subscriber that reads slowly is left alone', async () => {
  const { taskId } = await runningTask(api, daemon);
  await daemon.append(taskId, 1, 0, numbered(PADDING, 2_000));
  const socket = new WebSocket(api.url.replace('http', 'ws'), 'graphql-transport-ws');
  onEnd(() => socket.terminate());
  let received = 0;
  socket.on('message', (data) => {
    const { type } = JSON.parse(String(data));
    if (type === 'connection_ack') {
      const payload = { query: QUERY, variables: { id: taskId, after: 0 } };
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload }));
    }
    if (type !== 'next') return;
    received += 1;
    if (received % 200 !== 0) return;
    // Longer all together than what nobody may be silent for.
    socket.pause();
    setTimeout(() => socket.resume(), 120);
  });
  socket.on('open', () =>
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${api.key}` } })),
  );
  await eventually(() => received === 2_000);
  expect(socket.readyState).toBe(WebSocket.OPEN);
});
