import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { startServer } from '../../src/server/server.ts';
import { Api } from '../support/api.ts';
import { openContract } from '../support/daemon.ts';
import { rawSocket, send, sendQuery } from '../support/raw.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing } from '../support/snapshot.ts';

const UI = 'https://ui.example.com';
const { api, server } = await startTestServer({ logLevel: 'silent', access: { allowedOrigins: [UI] } });
const { contractId } = await openContract(api, { startSupervisor: false });
const key = { authorization: `Bearer ${api.key}` };
const json = { 'content-type': 'application/json' };
const VIEWER = '{ viewer { kind } }';
const CREATE = 'mutation { createContract(input: { name: "x", startSupervisor: false }) { __typename } }';
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

function open(...args: Parameters<typeof rawSocket>) {
  const opened = rawSocket(...args);
  sockets.push(opened);
  return opened;
}

describe('pages of other sites', () => {
  const foreign: Record<string, Record<string, string>> = {
    'another site': { origin: 'https://evil.example.com' },
    'a page without an origin (a file, a sandbox)': { origin: 'null' },
    'another port of this machine': { origin: 'http://localhost:1' },
    'a name that its owner pointed to this machine': {
      origin: `http://evil.example.com:${server.port}`,
      host: `evil.example.com:${server.port}`,
    },
    'the allowed one in clear': { origin: 'http://ui.example.com' },
    'one that begins like the allowed one': { origin: `${UI}.evil.example.com` },
    'an image or a script of another site': { 'sec-fetch-site': 'cross-site' },
    'another site of the same domain': { 'sec-fetch-site': 'same-site' },
  };

  test.each(Object.entries(foreign))(
    '%s may not POST, ask by GET, stream, or open a socket',
    async (_title, headers) => {
      await changesNothing(server, async () => {
        expect(await sendQuery(server.url, CREATE, { ...key, ...headers })).toMatchObject({
          status: 403,
          code: 'FORBIDDEN',
        });
        const get = `${server.url}?query=${encodeURIComponent(VIEWER)}`;
        expect((await send(get, { method: 'GET', headers: { ...key, ...headers } })).status).toBe(403);
        const sse = { ...key, ...headers, accept: 'text/event-stream' };
        expect((await sendQuery(server.url, EVENTS, sse, { id: contractId })).status).toBe(403);
        const preflight = { ...headers, 'access-control-request-method': 'POST' };
        const answer = await send(server.url, { method: 'OPTIONS', headers: preflight });
        expect(answer.status).toBe(403);
        expect(answer.headers['access-control-allow-origin']).toBeUndefined();
        if (headers.origin) expect(await open(server.url, { headers }).refused).toBe(403);
      });
    },
  );

  test.each([
    ['the allowed one', { origin: UI }],
    ['the own one', { origin: `http://127.0.0.1:${server.port}` }],
    ['the own one by name', { origin: `http://localhost:${server.port}` }],
  ])('%s may do all of it, and its browser is told so', async (_title, headers) => {
    const answer = await sendQuery(server.url, VIEWER, { ...key, ...headers });
    expect(answer.status).toBe(200);
    expect(answer.headers['access-control-allow-origin']).toBe(headers.origin);
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    const preflight = await send(server.url, { method: 'OPTIONS', headers });
    expect(preflight.status).toBe(204);
    expect(preflight.headers['access-control-allow-headers']).toContain('authorization');
    await open(server.url, { headers }).introduce(api.key);
  });

  test('whoever is no browser says no origin, and may', async () => {
    expect((await sendQuery(server.url, VIEWER, key)).status).toBe(200);
  });
});

describe('what a browser sends without asking first', () => {
  const form = `query=${encodeURIComponent(CREATE)}`;
  test.each([
    ['a form', 'application/x-www-form-urlencoded', form],
    [
      'a form with files',
      'multipart/form-data; boundary=x',
      `--x\r\ncontent-disposition: form-data; name="operations"\r\n\r\n{"query":"${CREATE.replaceAll('"', '\\"')}"}\r\n--x--`,
    ],
    ['plain text', 'text/plain', JSON.stringify({ query: CREATE })],
    ['a document', 'application/graphql', CREATE],
    ['nothing said', '', JSON.stringify({ query: CREATE })],
  ])('%s is refused with 415 and does nothing', async (_title, type, body) => {
    await changesNothing(server, async () => {
      const headers = { ...key, ...(type ? { 'content-type': type } : {}) };
      expect((await send(server.url, { headers, body })).status).toBe(415);
    });
  });

  test('a mutation by GET is refused with 405 and does nothing, also over SSE', async () => {
    await changesNothing(server, async () => {
      const url = `${server.url}?query=${encodeURIComponent(CREATE)}`;
      expect((await send(url, { method: 'GET', headers: key })).status).toBe(405);
      const headers = { ...key, accept: 'text/event-stream' };
      expect((await send(url, { method: 'GET', headers })).text).not.toContain('CreateContractPayload');
    });
  });

  test.each(['PUT', 'DELETE', 'PATCH', 'HEAD', 'TRACE'])('%s is refused with 405', async (method) => {
    expect((await send(server.url, { method, headers: key })).status).toBe(405);
  });
});

describe('bodies', () => {
  test.each([
    ['no JSON', 'query'],
    ['nothing', ''],
    ['half of it', '{"query":'],
    ['null', 'null'],
    ['a number', '1'],
    ['an empty object', '{}'],
    ['several operations in an array', JSON.stringify([{ query: VIEWER }, { query: VIEWER }])],
  ])('%s is refused with 400', async (_title, body) => {
    expect(await send(server.url, { headers: { ...key, ...json }, body })).toMatchObject({
      status: 400,
      code: 'INVALID_INPUT',
    });
  });

  test.each([
    ['without a key, past 64 KiB', {}, 64 * 1_024, false],
    ['with a user key, past 8 MiB', key, 8 * 1_024 * 1_024, false],
    ['with a user key, past 8 MiB that are not announced', key, 8 * 1_024 * 1_024, true],
  ])('%s they are refused with 413', async (_title, headers, limit, chunked) => {
    const sized = (bytes: number) => {
      const body = JSON.stringify({ query: VIEWER, variables: { pad: '' } });
      return body.replace('"pad":""', `"pad":"${'x'.repeat(bytes - body.length)}"`);
    };
    const transfer = chunked ? { 'transfer-encoding': 'chunked' } : {};
    const ask = (bytes: number) =>
      send(server.url, { headers: { ...headers, ...json, ...transfer } as never, body: sized(bytes) });
    expect((await ask(limit)).status).toBe(200);
    expect(await ask(limit + 1)).toMatchObject({ status: 413, code: 'PAYLOAD_TOO_LARGE' });
  });

  test('the longest document that the API takes fits, in any language', async () => {
    const content = '語'.repeat(2_000_000);
    const { document } = await api.mutate(
      'setDocument',
      { contractId, name: 'long', content },
      'document { content }',
    );
    expect(document.content === content).toBe(true);
  });
});

describe('addresses behind a proxy', async () => {
  const proxied = await startTestServer({
    logLevel: 'silent',
    access: { trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] },
  });
  const addressFor = async (url: string, ownKey: string | null, forwarded: string) => {
    const headers = { authorization: `Bearer ${ownKey}`, 'x-forwarded-for': forwarded };
    await sendQuery(url, CREATE, headers);
    const answer = await sendQuery(url, '{ history(first: 1) { nodes { address } } }', headers);
    return JSON.parse(answer.text).data.history.nodes[0].address;
  };

  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['1.2.3.4, 203.0.113.7', '203.0.113.7'],
    ['203.0.113.7, 10.1.1.1', '203.0.113.7'],
    ['2001:db8::1', '2001:db8::1'],
    ['203.0.113.7, nonsense', '127.0.0.1'],
    ['', '127.0.0.1'],
  ])('%j is %s in the history', async (forwarded, address) => {
    expect(await addressFor(proxied.server.url, proxied.api.key, forwarded)).toBe(address);
  });

  test('are not believed from anybody else', async () => {
    expect(await addressFor(server.url, api.key, '203.0.113.7')).toBe('127.0.0.1');
  });
});

describe('answers', () => {
  test('tell the browser to guess, show, embed and keep nothing', async () => {
    for (const url of [server.url, `${server.url}/other`]) {
      const { headers } = await sendQuery(url, VIEWER, key);
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
        'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      });
      expect(headers['x-powered-by']).toBeUndefined();
    }
  });

  test('GraphiQL is there outside of production, with a policy that lets it talk to this server only', async () => {
    const page = await send(server.url, { method: 'GET', headers: { accept: 'text/html' } });
    expect(page.status).toBe(200);
    expect(page.text).toContain('GraphiQL');
    expect(page.headers['content-security-policy']).toContain("connect-src 'self'");
  });

  test('health tells nothing but whether it is there, whoever asks', async () => {
    const health = new URL('/health/ready', server.url).href;
    const answer = await send(health, { method: 'GET', headers: { origin: 'https://evil.example.com' } });
    expect([answer.status, answer.text]).toEqual([200, '{"status":"ready"}']);
  });
});

test('what is no HTTP, no path and no upgrade is refused, and the server goes on', async () => {
  const upgrade = Object.entries(UPGRADE)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  const requests = [
    `GET http://[ HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`,
    `GET // HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`,
    `GET /graphql HTTP/1.1\r\nHost: [\r\n${upgrade}\r\n`,
    'POST /graphql HTTP/1.1\r\nHost: [ ]\r\nContent-Type: application/json\r\nContent-Length: 24\r\n\r\n{"query":"{__typename}"}',
    'GET /graphql?query=%FF HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET /graphql?variables={ HTTP/1.1\r\nHost: x\r\n\r\n',
    'nonsense\r\n\r\n',
  ];
  for (const text of requests) {
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.end(text);
    await new Promise((resolve) => socket.on('close', resolve).resume());
  }
  expect((await api.ask(VIEWER)).viewer.kind).toBe('USER');
});

describe('the address to listen on', () => {
  const config = {
    port: 0,
    dataDir: '/nonexistent',
    databaseUrl: null,
    logLevel: 'silent' as const,
    production: false,
  };

  test.each(['0.0.0.0', '::', '192.0.2.1', 'example.com'])(
    '%s is refused unless TLS is said to be in front',
    async (host) => {
      await expect(startServer({ ...config, host })).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        field: 'host',
        message: expect.stringContaining('TASKMESH_BEHIND_TLS'),
      });
    },
  );

  test('is taken when TLS is said to be in front', async () => {
    const behind = await startTestServer({
      logLevel: 'silent',
      access: { behindTls: true },
      host: '0.0.0.0',
    });
    expect((await new Api(behind.server.url, behind.api.key).ask(VIEWER)).viewer.kind).toBe('USER');
  });
});
