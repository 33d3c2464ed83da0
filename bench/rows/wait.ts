import { setTimeout as delay } from 'node:timers/promises';
import type { Row, Sample } from '../harness/row.ts';
import { now } from '../harness/serve-calls.ts';
import { median } from '../harness/statistics.ts';
import type { World } from '../harness/world.ts';
import { notifyRoundTrips } from './notify.ts';

async function prepare(world: World): Promise<() => Promise<Sample[]>> {
  const count = world.size(100, 5);
  const daemon = await world.daemon();
  const contractId = await world.contract();
  const notify = await notifyRoundTrips(world);
  const one = async () => {
    const taskId = await world.running(daemon, contractId);
    const waiting = world.owner.ask(
      'query($id: ID!) { waitForTask(taskId: $id) { status completed outputSummary } }',
      { id: taskId },
    );
    // Until the server listens: nothing tells, and a wait that begins later would measure less.
    await delay(10);
    const from = now();
    const reported = daemon.report(taskId, 'DONE', { outputSummary: 'done' });
    await waiting;
    const took = now() - from;
    await reported;
    return took;
  };
  const measure = async () => {
    const times: number[] = [];
    for (let index = 0; index < count; index += 1) times.push(await one());
    return median(times);
  };
  await measure();
  return async () => {
    const trips = notify && (await notify(200));
    return [{ ours: await measure(), peer: trips && median(trips) }];
  };
}

export const wait: Row = {
  name: 'wait',
  title: 'From a daemon reporting DONE to the return of waitForTask',
  onEmbedded: true,
  measures: {
    wait: { unit: 'ms (p50)', better: 'lower', beside: 'a NOTIFY round trip (p50)', target: { ours: 5 } },
  },
  prepare,
};
