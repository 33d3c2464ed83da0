import type { Row, Sample } from '../harness/row.ts';
import { now } from '../harness/serve-calls.ts';
import { percentile } from '../harness/statistics.ts';
import { World } from '../harness/world.ts';
import { seedOwners } from './seed.ts';

/** From the report that a task is done until the one that waited for its place is at the daemon. */
async function among(world: World, owners: number): Promise<() => Promise<number>> {
  if (!world.databaseUrl) throw new Error('next is measured on PostgreSQL only');
  await seedOwners(await world.connect(world.databaseUrl), owners);
  const daemon = await world.daemon('bench', 1);
  const contractId = await world.contract();
  let running = await world.running(daemon, contractId);
  return async () => {
    const waiting = await world.spawn(contractId);
    const from = now();
    await daemon.report(running, 'DONE');
    const { at } = await daemon.spawned(waiting);
    await daemon.start(waiting);
    running = waiting;
    return at - from;
  };
}

async function prepare(world: World): Promise<() => Promise<Sample[]>> {
  const few = await World.open(world.setting);
  world.atEnd(() => few.close());
  const sides = [await among(world, world.size(2_000, 20)), await among(few, world.size(200, 2))];
  const count = world.size(100, 5);
  const measure = async () => {
    const times = sides.map((): number[] => []);
    // In turns, so that whatever else the machine does meets both.
    for (let index = 0; index < count; index += 1)
      for (const [side, one] of sides.entries()) times[side]?.push(await one());
    return times.map((those) => percentile(those, 50));
  };
  await measure();
  return async () => {
    const [ours, peer] = (await measure()) as [number, number];
    return [{ name: 'growth-next', ours, peer }];
  };
}

export const next: Row = {
  name: 'next',
  title: 'From the report DONE to the spawn of the task that waited for the place, among 2,000 owners',
  measures: {
    'growth-next': {
      unit: 'ms (p50)',
      better: 'lower',
      beside: 'the same among 200 owners, each with a daemon and a contract',
      target: { ratio: 1.2 },
    },
  },
  prepare,
};
