import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { createLogger } from '../src/platform/logger.ts';
import { PostgresDoorbell } from '../src/platform/postgres-doorbell.ts';
import { startCluster } from '../test/support/start-cluster.ts';
import { now } from './harness/serve-calls.ts';
import { percentile } from './harness/statistics.ts';

/*
 * node bench/doorbell.ts [--seconds N]
 *
 * Where NOTIFY stops being enough as a doorbell: PostgreSQL puts the notifications of all commits into one queue, under one
 * lock that is held until the commit is on disk. Small transactions are committed from so many connections at once, as
 * they are, and with a notification of a topic of their own, heard by one listener, as each instance is.
 */
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '4' } } });
const seconds = Number(values.seconds);
const CONNECTIONS = [1, 8, 32];
/** Without, with a notification in the transaction, and as Taskmesh's doorbell rings: after the commit, several at once. */
const WAYS = ['none', 'inside', 'after'] as const;
type Way = (typeof WAYS)[number];

const cluster = await startCluster(['shared_buffers=128MB', 'max_wal_size=1GB']);
try {
  const admin = await connect();
  await admin.query('create table entry (id uuid primary key, content text)');
  console.log('connections  ring    commits/s  rings heard  lag p50 ms  lag p99 ms');
  for (const connections of CONNECTIONS) for (const way of WAYS) console.log(await measure(connections, way));
  await admin.end();
} finally {
  cluster.stop();
}

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: cluster.url });
  await client.connect();
  return client;
}

async function measure(connections: number, way: Way): Promise<string> {
  const listener = await connect();
  const lags: number[] = [];
  listener.on('notification', ({ payload }) => {
    const at = now();
    for (const sent of payload?.split(' ').slice(1) ?? []) lags.push(at - Number(sent));
  });
  await listener.query('listen taskmesh');
  const doorbell = new PostgresDoorbell(cluster.url, createLogger('warn'));
  await doorbell.open();
  const clients = await Promise.all(Array.from({ length: connections }, connect));
  const end = now() + seconds * 1_000;
  let commits = 0;
  const write = async (client: pg.Client) => {
    while (now() < end) {
      await client.query('begin');
      await client.query({
        name: 'insert',
        text: 'insert into entry values ($1, $2)',
        values: [randomUUID(), 'x'.repeat(200)],
      });
      const at = now();
      if (way === 'inside')
        await client.query({
          name: 'ring',
          text: 'select pg_notify($1, $2)',
          values: ['taskmesh', `inside ${at}`],
        });
      await client.query('commit');
      commits += 1;
      if (way === 'after') doorbell.ring([String(now())]);
    }
  };
  const startedAt = now();
  await Promise.all(clients.map(write));
  const rate = commits / ((now() - startedAt) / 1_000);
  // What was committed last is heard last.
  for (const giveUpAt = now() + 10_000; way !== 'none' && lags.length < commits && now() < giveUpAt; )
    await new Promise((resolve) => setTimeout(resolve, 10));
  await doorbell.close();
  for (const client of [listener, ...clients]) await client.end();
  const lag = (percent: number) => (lags.length === 0 ? '-' : percentile(lags, percent).toFixed(2));
  const cells = [connections, way, Math.round(rate), lags.length, lag(50), lag(99)];
  const widths = [11, 6, 9, 11, 10, 10];
  return cells.map((cell, column) => String(cell).padStart(widths[column] ?? 0)).join('  ');
}
