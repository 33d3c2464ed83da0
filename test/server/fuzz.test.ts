import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test, vi } from 'vitest';
import { ERROR_CODES } from '../../src/platform/errors.ts';
import { schema } from '../../src/server/schema.ts';
import { eventually } from '../support/api.ts';
import { ROOT } from '../support/processes.ts';
import { rawSocket } from '../support/raw.ts';
import { startTestServer } from '../support/server.ts';

const ANY = 1_000_000_000;
const rate = { perSecond: ANY, burst: ANY };
const { api, server } = await startTestServer({
  logLevel: 'silent',
  limits: (limits) => ({
    ...limits,
    keys: { ...limits.keys, USER: { ...limits.keys.USER, requests: rate } },
    address: { ...limits.address, requests: rate, failures: rate },
    socket: { ...limits.socket, messages: rate },
  }),
});
// Any number: the same again with `FUZZ_SEED`.
const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
const sample = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number) => fc.sample(arbitrary, { numRuns, seed });

const crashes: unknown[] = [];
const note = (error: unknown) => void crashes.push(error);
// What a caller sends is no news for the terminal.
const printed = vi.spyOn(console, 'error').mockImplementation(note);
process.on('uncaughtException', note);
process.on('unhandledRejection', note);
afterAll(() => {
  printed.mockRestore();
  process.off('uncaughtException', note);
  process.off('unhandledRejection', note);
});

/** What our own programs send, to be broken in a thousand ways. */
const operations = readdirSync(join(ROOT, 'src/client/operations'))
  .flatMap((file) =>
    readFileSync(join(ROOT, 'src/client/operations', file), 'utf8').split(
      /\n(?=query|mutation|subscription)/,
    ),
  )
  .filter((text) => /^(query|mutation|subscription)/.test(text));
const TOKEN = /"(?:[^"\\]|\\.)*"|[\w$@]+|\.\.\.|[^\s\w]/g;
const names = Object.values(schema.getTypeMap()).flatMap((type) => [
  type.name,
  ...('getFields' in type ? Object.keys(type.getFields()) : []),
]);
const piece = fc.oneof(
  fc.constantFrom(
    ...names,
    '{',
    '}',
    '(',
    ')',
    '[',
    ']',
    ':',
    '!',
    '=',
    '|',
    '&',
    '@',
    '$',
    '...',
    '"',
    '"""',
    '#',
    '\\',
    '\0',
    '\uD800',
    'null',
    '1e999',
    '-0',
    'fragment',
    'on',
    'query',
    'mutation',
    'subscription',
    '@skip(if: true)',
    '__typename',
    '__schema',
  ),
  fc.string({ unit: 'binary', maxLength: 6 }),
);

/** A valid document of which tokens are dropped, doubled, moved and replaced. */
const broken = fc
  .tuple(fc.constantFrom(...operations), fc.array(fc.tuple(fc.nat(), fc.nat(3), piece), { maxLength: 6 }))
  .map(([text, changes]) => {
    const tokens = text.match(TOKEN) ?? [];
    for (const [at, how, insert] of changes) {
      const index = at % (tokens.length || 1);
      if (how === 0) tokens.splice(index, 1);
      else if (how === 1) tokens.splice(index, 0, tokens[index] ?? '');
      else if (how === 2) tokens.splice(index, 1, insert);
      else tokens.splice(index, 0, insert);
    }
    return tokens.join(' ');
  });
const noise = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(' '));
const document = fc.oneof({ weight: 3, arbitrary: broken }, noise, fc.string({ unit: 'binary' }));
const id = fc.constantFrom(
  'task_01h455vb4pex5vsknk084sn02q',
  'contract_01h455vb4pex5vsknk084sn02q',
  'task_',
  '_',
  '',
);
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  id,
  fc.constantFrom('\0', '\uDC00', 'x'.repeat(5_000), 2 ** 53, -1, 1e308),
);
const variables = fc.oneof(
  fc.dictionary(
    fc.constantFrom('id', 'input', 'contractId', 'taskId', 'first', 'after', '__proto__', 'x'),
    value,
    { maxKeys: 4 },
  ),
  fc.record({ input: fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 5 }) }),
  value,
);
const operationName = fc.option(fc.oneof(fc.string(), fc.constantFrom('Viewer', '__proto__', 'constructor')));
const request = fc.record({ query: document, variables, operationName }, { requiredKeys: ['query'] });

/** The codes in an answer; every error has one that is documented, and none is our mistake. */
function expectDocumented(answer: string, asked: unknown): void {
  for (const [, code = ''] of answer.matchAll(/"code":"([A-Z_]+)"/g)) {
    if (code !== 'INTERNAL_SERVER_ERROR' && Object.hasOwn(ERROR_CODES, code)) continue;
    throw new Error(`seed ${seed}: ${JSON.stringify(asked)} gave ${answer.slice(0, 1_000)}`);
  }
}

async function expectAlive(): Promise<void> {
  expect((await api.ask('{ viewer { kind } }')).viewer.kind).toBe('USER');
  expect(crashes, `seed ${seed}`).toEqual([]);
}

test('6,500 documents over a socket are each answered with a result or a documented error', async () => {
  const socket = rawSocket(server.url);
  await socket.introduce(api.key);
  const requests = sample(request, 6_500);
  const ended = new Set<string>();
  socket.socket.on('message', (data) => {
    const message = JSON.parse(String(data));
    if (message.type === 'complete' || message.type === 'error') ended.add(message.id);
  });
  for (const [index, payload] of requests.entries()) {
    // The protocol wants an object, or nothing, for variables.
    const isObject =
      payload.variables !== null &&
      typeof payload.variables === 'object' &&
      !Array.isArray(payload.variables);
    socket.send({
      type: 'subscribe',
      id: String(index),
      payload: { ...payload, variables: isObject ? payload.variables : {} },
    });
    if (index % 200 === 199) await new Promise((resolve) => setImmediate(resolve));
  }
  // Those that are subscriptions go on until they are ended.
  await eventually(() => {
    for (let index = 0; index < requests.length; index += 1)
      if (!ended.has(String(index)) && /subscription/.test(requests[index]?.query ?? ''))
        ended.add(String(index));
    return ended.size === requests.length;
  }, 60_000);
  for (const message of socket.messages)
    expectDocumented(JSON.stringify(message), requests[Number(message.id)]);
  expect(socket.socket.readyState).toBe(socket.socket.OPEN);
  socket.socket.terminate();
  await expectAlive();
});

test('1,000 bodies over HTTP are each answered, with a documented error where there is one', async () => {
  const body = fc.oneof(
    request.map((payload) => JSON.stringify(payload)),
    fc.jsonValue().map((json) => JSON.stringify(json)),
    fc.string({ unit: 'binary' }),
  );
  const type = fc.constantFrom(
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=x',
  );
  const accept = fc.constantFrom(
    'application/json',
    'application/graphql-response+json',
    '*/*',
    'x/y',
    'text/html',
  );
  const bodies = sample(fc.tuple(body, type, accept, fc.boolean()), 1_000);
  const authorization = `Bearer ${api.key}`;
  const send = async ([text, contentType, accepted, hasKey]: (typeof bodies)[number]) => {
    const headers = { 'content-type': contentType, accept: accepted, ...(hasKey ? { authorization } : {}) };
    const response = await fetch(server.url, { method: 'POST', headers, body: text });
    expectDocumented(await response.text(), text);
    if (response.status >= 500) throw new Error(`seed ${seed}: ${response.status} for ${text}`);
  };
  for (let from = 0; from < bodies.length; from += 50)
    await Promise.all(bodies.slice(from, from + 50).map(send));
  await expectAlive();
});

test('2,500 frames that are no messages close their socket with a code of the protocol, or none', async () => {
  const message = fc.record(
    {
      type: fc.oneof(
        fc.constantFrom(
          'connection_init',
          'subscribe',
          'complete',
          'ping',
          'pong',
          'next',
          'error',
          'connection_ack',
        ),
        fc.string(),
      ),
      id: fc.oneof(fc.string(), fc.constantFrom('1', '__proto__', 'constructor'), value),
      payload: fc.oneof(request, value),
    },
    { requiredKeys: [] },
  );
  const frame = fc.oneof(
    message.map((json) => JSON.stringify(json)),
    fc.jsonValue().map((json) => JSON.stringify(json)),
    fc.string({ unit: 'binary' }),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  );
  const frames = sample(frame, 2_500);
  const codes = new Set<number>();
  const run = async (each: (string | Buffer)[]) => {
    const { socket, introduce, closed } = rawSocket(server.url);
    socket.removeAllListeners('message');
    const { promise: acknowledged, resolve } = Promise.withResolvers<void>();
    socket.once('message', () => resolve());
    void introduce(api.key).catch(() => undefined);
    await acknowledged;
    for (const bytes of each) socket.send(bytes);
    setTimeout(() => socket.close(), 50);
    codes.add((await closed).code);
  };
  const groups = Array.from({ length: 250 }, (_, n) => frames.slice(n * 10, n * 10 + 10));
  for (let from = 0; from < groups.length; from += 60)
    await Promise.all(groups.slice(from, from + 60).map(run));
  expect(
    [...codes].filter((code) => ![1005, 1000, 1007, 1009, 4400, 4401, 4409, 4429].includes(code)),
    `seed ${seed}`,
  ).toEqual([]);
  expect(codes.has(4400)).toBe(true);
  await expectAlive();
});
