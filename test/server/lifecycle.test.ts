import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { get } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, expect, test } from 'vitest';
import WebSocket from 'ws';
import { topics } from '../../src/platform/doorbell.ts';
import { openInstance } from '../../src/server/instance.ts';
import { type RunningServer, startServer } from '../../src/server/server.ts';
import { Api, eventually } from '../support/api.ts';
import { HandDaemon } from '../support/daemon.ts';
import { createTestDatabase, embedded, type TestDatabase } from '../support/database.ts';
import { numbered, runningTask } from '../support/running-task.ts';
import { SseSubscription } from '../support/sse.ts';

const database = await createTestDatabase();
const lines: string[] = [];
const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
afterAll(async () => {
  await server.close();
  await database.drop();
});

function configOf({ databaseUrl, dataDir }: TestDatabase) {
  return { host: '127.0.0.1', port: 0, databaseUrl, dataDir, logLevel: 'info' as const, production: false };
}
const start = () => startServer(configOf(database), { logger });
let server: RunningServer = await start();
const key = String(server.firstKey);
const api = () => new Api(server.url, key);
const CURSOR = 'subscription($id: ID!) { contractEvents(contractId: $id, afterSequence: 0) { sequence } }';

async function health(path: string): Promise<[number | undefined, string]> {
  const [response] = await once(get({ port: server.port, path, agent: false }), 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return [response.statusCode, text];
}

test('the first start makes a key, saved for its user only and not logged, and no later start makes another', async () => {
  expect(key).toMatch(/^tmk_user_/);
  const file = join(database.dataDir, 'key');
  expect(readFileSync(file, 'utf8')).toBe(`${key}\n`);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(lines.join('')).not.toContain(key);
});

test('the health endpoints say that it lives and that it is ready', async () => {
  expect(await health('/health/live')).toEqual([200, '{"status":"live"}']);
  expect(await health('/health/ready?verbose')).toEqual([200, '{"status":"ready"}']);
  expect((await health('/health/other'))[0]).toBe(404);
});

test('after a restart on the same data everything is there, and there is no second key', async () => {
  const daemon = await HandDaemon.connect(api());
  const { contractId, taskId } = await runningTask(api(), daemon);
  await daemon.append(taskId, 1, 0, numbered('line', 10));
  const before = api().subscribe(CURSOR, { id: contractId });
  await before.until((received) => received.length >= 15);
  await server.close();
  server = await start();
  expect(server.firstKey).toBeNull();
  expect(readFileSync(join(database.dataDir, 'key'), 'utf8')).toBe(`${key}\n`);
  const after = api().subscribe(CURSOR, { id: contractId });
  expect(await after.count(before.received.length)).toEqual(before.received);
  const { task } = await api().ask('query($id: ID!) { task(id: $id) { status attempt } }', { id: taskId });
  expect(task).toEqual({ status: 'RUNNING', attempt: 1 });
  expect(lines.join('')).not.toContain(key);
});

test('closing ends sockets with 1001 and streams, answers who waits or cuts them, and leaves nothing listening', async () => {
  const daemon = await HandDaemon.connect(api(), { name: 'another' });
  const { contractId, taskId } = await runningTask(api(), daemon);
  const sockets = [api().subscribe(CURSOR, { id: contractId }), api().subscribe(CURSOR, { id: contractId })];
  const stream = new SseSubscription(api(), CURSOR, { id: contractId });
  for (const each of [...sockets, stream]) await each.count(1);
  const waiting = api()
    .post('query($id: ID!) { waitForTask(taskId: $id) { status } }', { id: taskId })
    .catch((error: Error) => error);
  // A client that vanished: its socket is open and will never answer the goodbye.
  const deaf = new WebSocket(server.url.replace('http', 'ws'), 'graphql-transport-ws');
  await once(deaf, 'open');
  deaf.pause();
  const { runtime, port } = server;
  const closingAt = performance.now();
  const closing = server.close();
  for (const socket of sockets) expect(await socket.closeCode()).toBe(1001);
  await closing;
  expect(performance.now() - closingAt).toBeLessThan(10_000);
  await eventually(() => stream.done);
  expect(await waiting).toBeDefined();
  expect(runtime.doorbell.listeners).toBe(0);
  const [refused] = await once(connect(port, '127.0.0.1'), 'error');
  expect(refused.code).toBe('ECONNREFUSED');
  expect(existsSync(join(database.dataDir, 'database.lock'))).toBe(false);
  deaf.terminate();
  server = await start();
});

test('a port that is taken is refused with INVALID_INPUT naming it, and the database is let go', async () => {
  const other = await createTestDatabase();
  const config = { ...configOf(other), port: server.port };
  await expect(startServer(config, { logger })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    field: 'port',
  });
  const free = await startServer({ ...config, port: 0 }, { logger });
  await free.close();
  await other.drop();
});

if (embedded) {
  test('nobody else on the machine can look into the embedded database, whoever made the data directory', async () => {
    await server.close();
    chmodSync(database.dataDir, 0o755);
    chmodSync(join(database.dataDir, 'database'), 0o755);
    server = await start();
    expect(statSync(join(database.dataDir, 'database')).mode & 0o777).toBe(0o700);
  });

  test('a second instance on the embedded directory is refused within 2 s, naming the process', async () => {
    const triedAt = performance.now();
    await expect(start()).rejects.toMatchObject({ code: 'INVALID_INPUT', extensions: { pid: process.pid } });
    expect(performance.now() - triedAt).toBeLessThan(2_000);
    expect((await health('/health/ready'))[0]).toBe(200);
  });
} else {
  test('several instances that start at once on an empty database migrate it once and make one owner', async () => {
    const empty = await emptyDatabase();
    const instances = await Promise.all([1, 2, 3].map(() => startServer(configOf(empty), { logger })));
    const keys = instances.map(({ firstKey }) => firstKey).filter((each) => each !== null);
    expect(keys).toHaveLength(1);
    for (const { url } of instances) {
      expect((await new Api(url, keys[0] ?? null).ask('{ viewer { kind } }')).viewer).toEqual({
        kind: 'USER',
      });
    }
    await Promise.all(instances.map((each) => each.close()));
    const again = await openInstance(configOf(empty), { logger });
    expect(again.migrated).toEqual([]);
    await again.close();
    await empty.drop();
  });
}

/** A PostgreSQL database without a schema. */
async function emptyDatabase(): Promise<TestDatabase> {
  const made = await createTestDatabase();
  const client = new pg.Client({ connectionString: String(made.databaseUrl) });
  await client.connect();
  await client.query('drop schema public cascade');
  await client.query('create schema public');
  await client.end();
  return made;
}

test('what is unexpected is masked with a request id that is in the log, over HTTP, SSE and WebSocket', async () => {
  const daemon = await HandDaemon.connect(api(), { name: 'masked' });
  const { contractId } = await runningTask(api(), daemon);
  const { listeners } = server.runtime.doorbell;
  const live = api().subscribe('subscription { questionAsked { id } }');
  const liveStream = new SseSubscription(api(), 'subscription { questionAsked { id } }');
  // The key of the WebSocket, and the two sources.
  await eventually(() => server.runtime.doorbell.listeners >= listeners + 3);
  await server.runtime.db.fork().execute('alter table question rename to hidden_question');
  const masked = (refusal: {
    code: string;
    message: string;
    extensions: Readonly<Record<string, unknown>>;
  }) => {
    expect(refusal).toMatchObject({
      code: 'INTERNAL_SERVER_ERROR',
      extensions: { requestId: expect.any(String) },
    });
    expect(JSON.stringify(refusal)).not.toMatch(/question"|relation|select|stack|question\b/i);
    expect(refusal.message).toContain(String(refusal.extensions.requestId));
    expect(lines.join('')).toContain(`"requestId":"${refusal.extensions.requestId}"`);
  };
  masked(await api().refused('{ pendingQuestions { id } }'));
  masked(await api().subscribe('{ pendingQuestions { id } }').refusal());
  masked(
    await api()
      .subscribe('subscription($id: ID!) { questionAsked(contractId: $id) { id } }', { id: contractId })
      .refusal(),
  );
  expect(await new SseSubscription(api(), 'subscription { questionAsked { id } }').refusalCode()).toBe(
    'INTERNAL_SERVER_ERROR',
  );
  // Those that were live before fail when they read next.
  const { viewer } = await api().ask('{ viewer { owner { id } } }');
  server.runtime.doorbell.ring([topics.questions(viewer.owner.id)]);
  masked(await live.refusal());
  expect(await liveStream.refusalCode()).toBe('INTERNAL_SERVER_ERROR');
  expect(JSON.stringify(liveStream.ended)).not.toMatch(/relation|select/i);
  await server.runtime.db.fork().execute('alter table hidden_question rename to question');
});

if (!embedded) {
  test('while its database is away it is not ready and says UNAVAILABLE; when it is back all is well', async () => {
    const url = new URL(String(database.databaseUrl));
    const name = url.pathname.slice(1);
    url.pathname = 'postgres';
    const admin = new pg.Client({ connectionString: url.href });
    await admin.connect();
    await admin.query(`alter database ${name} allow_connections false`);
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
    await eventually(async () => (await health('/health/ready'))[0] === 503);
    expect(await health('/health/ready')).toEqual([503, '{"status":"no database"}']);
    expect(await health('/health/live')).toEqual([200, '{"status":"live"}']);
    const refusal = await api().refused('{ viewer { kind } }');
    expect(refusal.code).toBe('UNAVAILABLE');
    expect(refusal.message).not.toContain(name);
    await admin.query(`alter database ${name} allow_connections true`);
    await admin.end();
    await eventually(async () => (await health('/health/ready'))[0] === 200);
    expect((await api().ask('{ viewer { kind } }')).viewer).toEqual({ kind: 'USER' });
  });
}
