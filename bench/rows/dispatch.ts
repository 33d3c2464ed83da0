import { Logger, makeWorkerUtils } from 'graphile-worker';
import type { Row, Sample } from '../harness/row.ts';
import { now } from '../harness/serve-calls.ts';
import { percentile } from '../harness/statistics.ts';
import type { World } from '../harness/world.ts';

async function prepare(world: World): Promise<() => Promise<Sample[]>> {
  const count = world.size(200, 10);
  const daemon = await world.daemon();
  const contractId = await world.contract();
  const peer = await peerOf(world);
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
  return async () => {
    const mine = await measure(ours);
    const theirs = peer && (await measure(peer));
    return [
      { ours: mine.p50, peer: theirs?.p50 ?? null },
      { name: 'dispatch-p99', ours: mine.p99, peer: theirs?.p99 ?? null },
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

export const dispatch: Row = {
  name: 'dispatch',
  title: 'From spawnTask sent to the spawn command at the daemon',
  onEmbedded: true,
  measures: {
    dispatch: {
      unit: 'ms (p50)',
      better: 'lower',
      beside: 'graphile-worker, addJob to the start of the job (p50)',
      target: { ratio: 1 },
    },
    'dispatch-p99': { unit: 'ms (p99)', better: 'lower', beside: 'the same (p99)', target: { ratio: 1 } },
  },
  prepare,
};
