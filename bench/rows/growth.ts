import type { Row, Sample } from '../harness/row.ts';
import { now } from '../harness/serve-calls.ts';
import { median } from '../harness/statistics.ts';
import type { World } from '../harness/world.ts';
import { OUTPUT } from './fanout.ts';
import { lines } from './ingest.ts';
import { seedLog } from './seed.ts';

const BATCH = 100;

/** Appends to a log of some length, and how long until its subscriber has them. */
async function contractOf(
  world: World,
  daemon: Awaited<ReturnType<World['daemon']>>,
  client: Awaited<ReturnType<World['connect']>>,
  events: number,
) {
  const contractId = await world.contract();
  const taskId = await world.running(daemon, contractId);
  await seedLog(client, contractId, taskId, events);
  const { contract } = await world.owner.ask('query($id: ID!) { contract(id: $id) { lastSequence } }', {
    id: contractId,
  });
  const crowd = await world.child('clients/subscribers.ts', {
    url: world.owner.url.replace('http', 'ws'),
    key: world.owner.key,
  });
  await crowd.call('open', { count: 1, query: OUTPUT, variables: { taskId, after: contract.lastSequence } });
  let firstIndex = 0;
  return async () => {
    await crowd.call('begin', { each: BATCH });
    const from = now();
    await daemon.caller.mutate(
      'appendTaskOutput',
      { taskId, attempt: 1, firstIndex, entries: lines(BATCH) },
      'nextIndex',
    );
    const appended = now() - from;
    firstIndex += BATCH;
    const { last } = await crowd.call<{ last: number }>('end', { timeoutMs: 20_000 });
    return { append: appended, tail: last - from };
  };
}

async function prepare(world: World): Promise<() => Promise<Sample[]>> {
  if (!world.databaseUrl) throw new Error('growth is measured on PostgreSQL only');
  const client = await world.connect(world.databaseUrl);
  const daemon = await world.daemon();
  const sizes = [1_000, world.size(100_000, 2_000), world.size(1_000_000, 5_000)];
  const logs: Awaited<ReturnType<typeof contractOf>>[] = [];
  for (const size of sizes) logs.push(await contractOf(world, daemon, client, size));
  // Written once, so that no background work of the database falls into the measurement.
  await client.query('vacuum analyze contract_event');
  await client.query('checkpoint');
  const rounds = world.size(60, 3);
  for (const log of logs) for (let round = 0; round < 10; round += 1) await log();
  return async () => {
    const times = logs.map(() => ({ append: [] as number[], tail: [] as number[] }));
    // In turns, so that whatever else the machine does meets all of them.
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, log] of logs.entries()) {
        const { append, tail } = await log();
        times[index]?.append.push(append);
        times[index]?.tail.push(tail);
      }
    }
    const at = (index: number, what: 'append' | 'tail') => median(times[index]?.[what] ?? []);
    return [
      { name: 'growth-append-100k', ours: at(1, 'append'), peer: at(0, 'append') },
      { name: 'growth', ours: at(2, 'append'), peer: at(0, 'append') },
      { name: 'growth-tail-100k', ours: at(1, 'tail'), peer: at(0, 'tail') },
      { name: 'growth-tail', ours: at(2, 'tail'), peer: at(0, 'tail') },
    ];
  };
}

const measure = {
  unit: 'ms (p50)',
  better: 'lower' as const,
  beside: 'the same with 1,000 events',
  target: { ratio: 1.2 },
};

export const growth: Row = {
  name: 'growth',
  title: `Appending ${BATCH} lines, and until a subscriber has them, in a log of 1,000,000 (100,000) events`,
  measures: {
    'growth-append-100k': measure,
    growth: measure,
    'growth-tail-100k': measure,
    'growth-tail': measure,
  },
  prepare,
};
