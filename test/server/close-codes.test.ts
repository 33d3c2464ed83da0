import { once } from 'node:events';
import { request } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { openContract } from '../support/daemon.ts';
import { rawSocket } from '../support/raw.ts';
import { startTestServer } from '../support/server.ts';

const { api, server } = await startTestServer({ logLevel: 'silent' });
const { contractId } = await openContract(api, { startSupervisor: false });
const VIEWER = '{ viewer { kind } }';
const EVENTS = 'subscription($id: ID!) { contractEvents(contractId: $id) { sequence } }';
const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
};
const sockets: ReturnType<typeof rawSocket>[] = [];
afterEach(() => {
  for (const { socket } of sockets.splice(0)) socket.terminate();
});

function open(url: string) {
  const opened = rawSocket(url);
  sockets.push(opened);
  return opened;
}

test.each(['graphql-ws', 'graphql-subscriptions', null])(
  'a socket of another protocol (%s) is closed with 4406',
  async (protocol) => {
    // By hand, since a client hangs up by itself when its protocol is not the server's.
    const headers = { ...UPGRADE, ...(protocol ? { 'sec-websocket-protocol': protocol } : {}) };
    const outgoing = request(server.url, { headers }).end();
    const [response, socket, head] = await once(outgoing, 'upgrade');
    expect(response.headers['sec-websocket-protocol']).toBeUndefined();
    // Its first frame may have come with the answer.
    const [frame] = head.length > 0 ? [head] : await once(socket, 'data');
    socket.destroy();
    expect([frame[0], frame.readUInt16BE(2)]).toEqual([0x88, 4406]);
  },
);

test('a socket is closed with 4400 by what is no message, or one of no known type', async () => {
  for (const message of [
    'x',
    '{',
    '[]',
    'null',
    '{"type":"x"}',
    { type: 'subscribe' },
    { type: 'complete' },
  ]) {
    const { introduce, send: say, closed } = open(server.url);
    await introduce(api.key);
    say(message);
    expect((await closed).code, JSON.stringify(message)).toBe(4400);
  }
});

test('a socket is closed with 4401 by a subscription before the introduction, and without a valid key', async () => {
  const early = open(server.url);
  await early.opened;
  early.send({ type: 'subscribe', id: '1', payload: { query: VIEWER } });
  expect((await early.closed).code).toBe(4401);
  const keyless = open(server.url);
  await keyless.opened;
  keyless.send({ type: 'connection_init' });
  expect(await keyless.closed).toMatchObject({ code: 4401, reason: expect.stringContaining('key') });
});

test('a socket is closed with 4409 by a second subscription of the same id, and with 4429 by a second introduction', async () => {
  const twice = open(server.url);
  await twice.introduce(api.key);
  const subscribe = {
    type: 'subscribe',
    id: '1',
    payload: { query: EVENTS, variables: { id: contractId } },
  };
  twice.send(subscribe);
  twice.send(subscribe);
  expect((await twice.closed).code).toBe(4409);
  const again = open(server.url);
  await again.introduce(api.key);
  again.send({ type: 'connection_init' });
  expect((await again.closed).code).toBe(4429);
});

test('a socket is closed with 1009 by a message past 64 KiB, before and after the introduction', async () => {
  for (const introduced of [false, true]) {
    const { introduce, opened, send: say, closed } = open(server.url);
    await (introduced ? introduce(api.key) : opened);
    say({ type: 'ping', payload: { pad: 'x'.repeat(64 * 1_024) } });
    expect((await closed).code).toBe(1009);
  }
});
