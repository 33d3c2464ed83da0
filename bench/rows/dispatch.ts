import { setTimeout as delay } from 'node:timers/promises';
import { Logger, makeWorkerUtils } from 'graphile-worker';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { Caller } from '../harness/http.ts';
import type { Row, Sample } from '../harness/row.ts';
import { now } from '../harness/serve-calls.ts';
import { percentile } from '../harness/statistics.ts';
import type { World } from '../harness/world.ts';

async function prepare(world: World): Promise<() => Promise<Sample[]>> {
  const count = world.size(200, 10);
  const daemon = await world.daemon();
  const contractId = await world.contract();
  const peer = await peerOf(world);
  const behind = await peerBehindYoga(world);
  const ours = async () => {
    const from = now();
    const taskId = await world.spawn(contractId);
    const { at } = await daemon.spawned(taskId);
    // Ended, so that it counts for nothing in the next.
    await daemon.start(taskId);
    await daemon.report(taskId, 'DONE');
    return at - from;
  };
  const measure = async (one: () => Promise<number>) => {
    const times: number[] = [];
    for (let index = 0; index < count; index += 1) times.push(await one());
    return { p50: percentile(times, 50), p99: percentile(times, 99) };
  };
  await measure(ours);
  if (peer) await measure(peer);
  if (behind) await measure(behind);
  return async () => {
    const mine = await measure(ours);
    const theirs = peer && (await measure(peer));
    const together = behind && (await measure(behind));
    return [
      { ours: mine.p50, peer: theirs?.p50 ?? null },
      { name: 'dispatch-p99', ours: mine.p99, peer: theirs?.p99 ?? null },
      { name: 'dispatch-yoga', ours: mine.p50, peer: together?.p50 ?? null },
      { name: 'dispatch-yoga-p99', ours: mine.p99, peer: together?.p99 ?? null },
    ];
  };
}

async function peerOf(world: World): Promise<(() => Promise<number>) | null> {
  if (world.setting.embedded) return null;
  const connectionString = await world.emptyDatabase();
  const worker = await world.child('peers/graphile-worker.ts', { connectionString, work: true });
  const utils = await makeWorkerUtils({ connectionString, logger: new Logger(() => () => undefined) });
  world.atEnd(() => utils.release());
  let number = 0;
  return async () => {
    number += 1;
    const from = now();
    await utils.addJob('bench', { number, name: 'Task', plan: 'work' });
    return (await worker.call<number>('begun', number)) - from;
  };
}

/** The same job from a mutation to a subscription, as ours goes. */
async function peerBehindYoga(world: World): Promise<(() => Promise<number>) | null> {
  if (world.setting.embedded) return null;
  const connectionString = await world.emptyDatabase();
  const server = await world.child('peers/worker-behind-yoga.ts', { connectionString });
  const { url } = await server.call<{ url: string }>('where');
  const caller = new Caller(url.replace('ws', 'http'), '');
  const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 });
  world.atEnd(async () => {
    caller.close();
    await client.dispose();
  });
  const arrived = new Map<number, (at: number) => void>();
  client.subscribe<{ command: { number: number } }>(
    { query: 'subscription { command { number name plan } }' },
    {
      next: ({ data }) => arrived.get(data?.command.number ?? 0)?.(now()),
      error: () => undefined,
      complete: () => undefined,
    },
  );
  while ((await server.call<number>('listeners')) === 0) await delay(10);
  let number = 0;
  return async () => {
    number += 1;
    const at = new Promise<number>((resolve) => arrived.set(number, resolve));
    const from = now();
    const added = caller.ask('mutation($input: JobInput!) { addJob(input: $input) }', {
      input: { number, name: 'Task', plan: 'work' },
    });
    const took = (await at) - from;
    await added;
    return took;
  };
}

export const dispatch: Row = {
  name: 'dispatch',
  title: 'From spawnTask sent to the spawn command at the daemon',
  onEmbedded: true,
  measures: {
    dispatch: {
      unit: 'ms (p50)',
      better: 'lower',
      beside: 'graphile-worker, addJob to the start of the job (p50)',
      // docs/adr/0026: what is judged is the way through the same doors.
      target: null,
    },
    'dispatch-yoga': {
      unit: 'ms (p50)',
      better: 'lower',
      beside: 'the same job from a mutation of Yoga to a subscription over graphql-ws (p50)',
      target: { ratio: 1.5 },
    },
    'dispatch-yoga-p99': {
      unit: 'ms (p99)',
      better: 'lower',
      beside: 'the same (p99)',
      target: { ratio: 1.25 },
    },
    'dispatch-p99': { unit: 'ms (p99)', better: 'lower', beside: 'the same (p99)', target: null },
  },
  prepare,
};
