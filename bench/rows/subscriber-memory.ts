import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Child } from '../harness/child.ts';
import type { Row, Sample } from '../harness/row.ts';
import type { World } from '../harness/world.ts';
import { OUTPUT } from './fanout.ts';

/** Opened and closed before it is measured: the first ones pay for what is compiled and grows once. */
const WARM_UP = 300;

interface Memory {
  readonly heap: number;
  readonly rss: number;
}

/**
 * What each of so many idle subscribers costs a server, in KiB: of what is alive in its memory, and of what it has from the
 * system. The latter holds the space for new objects as well, which grows while clients come, once, and is not theirs.
 */
async function costOf(server: Child, url: string, key: string, count: number, variables: object) {
  const crowd = await Child.start('clients/subscribers.ts', { url, key });
  const open = async (some: number) => {
    const before = await server.call<number>('listeners');
    await crowd.call('open', { count: some, query: OUTPUT, variables });
    while ((await server.call<number>('listeners')) < before + some) await delay(20);
  };
  try {
    await open(Math.min(count, WARM_UP));
    await crowd.call('close');
    await delay(500);
    const before = await server.call<Memory>('memory');
    await open(count);
    await delay(500);
    const after = await server.call<Memory>('memory');
    const each = (name: keyof Memory) => (after[name] - before[name]) / count / 1_024;
    return { alive: each('heap'), resident: each('rss') };
  } finally {
    await crowd.stop();
  }
}

async function prepare(world: World): Promise<() => Promise<Sample[]>> {
  const daemon = await world.daemon();
  const contractId = await world.contract();
  const taskId = await world.running(daemon, contractId);
  const { key } = world.owner;
  // Another instance each time: memory that was given back is not given back to the system.
  const ours = async (count: number) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'taskmesh-bench-'));
    const server = await Child.start('servers/taskmesh.ts', { databaseUrl: world.databaseUrl, dataDir });
    const { url } = await server.call<{ url: string }>('where');
    // Each socket watches its key: that is the listener which is waited for.
    return costOf(server, url.replace('http', 'ws'), key, count, { taskId, after: 0 }).finally(async () => {
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    });
  };
  const theirs = async (count: number) => {
    const bare = await Child.start('peers/plain-yoga.ts');
    const where = await bare.call<{ url: string }>('where');
    return costOf(bare, where.url, '', count, { taskId }).finally(() => bare.stop());
  };
  const counts = [world.size(1_000, 50), world.size(9_500, 100)] as const;
  return async () => {
    const samples: Sample[] = [];
    for (const [name, count] of [
      ['subscriber-memory-1000', counts[0]],
      ['subscriber-memory', counts[1]],
    ] as const) {
      const [mine, peers] = [await ours(count), await theirs(count)];
      samples.push({ name, ours: mine.alive, peer: peers.alive });
      samples.push({ name: `${name}-resident`, ours: mine.resident, peer: peers.resident });
    }
    return samples;
  };
}

const measure = {
  unit: 'KiB each',
  better: 'lower' as const,
  beside: 'Yoga with graphql-ws and its in-memory pubsub',
  target: { ratio: 1.5 },
};

export const subscriberMemory: Row = {
  name: 'subscriber-memory',
  title: 'Memory of the server for each idle WebSocket subscriber, at 1,000 and at 9,500',
  measures: {
    'subscriber-memory-1000': measure,
    'subscriber-memory-1000-resident': { ...measure, unit: 'KiB each, resident', target: null },
    'subscriber-memory': measure,
    'subscriber-memory-resident': { ...measure, unit: 'KiB each, resident', target: null },
  },
  rounds: 3,
  prepare,
};
