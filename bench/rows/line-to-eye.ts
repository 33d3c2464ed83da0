import { setTimeout as delay } from 'node:timers/promises';
import type { Row, Sample } from '../harness/row.ts';
import { now } from '../harness/serve-calls.ts';
import { median } from '../harness/statistics.ts';
import type { World } from '../harness/world.ts';
import { OUTPUT } from './fanout.ts';
import { notifyRoundTrips } from './notify.ts';

const SUBSCRIBERS = 100;
const LINES_PER_SECOND = 1_000;

async function prepare(world: World): Promise<() => Promise<Sample[]>> {
  const lines = world.size(3, 0.3) * LINES_PER_SECOND;
  const daemon = await world.daemon();
  const contractId = await world.contract();
  const taskId = await world.running(daemon, contractId);
  const crowd = await world.child('clients/subscribers.ts', {
    url: world.owner.url.replace('http', 'ws'),
    key: world.owner.key,
  });
  const { contract } = await world.owner.ask('query($id: ID!) { contract(id: $id) { lastSequence } }', {
    id: contractId,
  });
  await crowd.call('open', {
    count: SUBSCRIBERS,
    query: OUTPUT,
    variables: { taskId, after: contract.lastSequence },
  });
  const notify = await notifyRoundTrips(world);
  let firstIndex = 0;

  /** Lines come at their rate, and go out as a daemon sends them: one batch at a time, with all that is there. */
  const produce = async (count: number) => {
    const from = now();
    let sent = 0;
    while (sent < count) {
      const due = Math.min(count, Math.floor(((now() - from) / 1_000) * LINES_PER_SECOND));
      if (due === sent) {
        await delay(1);
        continue;
      }
      const createdAt = new Date().toISOString();
      const entries = Array.from({ length: due - sent }, () => ({
        type: 'STDOUT',
        content: `~${now().toFixed(3)}~ a line of output`,
        createdAt,
      }));
      await daemon.caller.mutate(
        'appendTaskOutput',
        { taskId, attempt: 1, firstIndex, entries },
        'nextIndex',
      );
      firstIndex += entries.length;
      sent = due;
    }
  };
  const measure = async (count: number) => {
    await crowd.call('begin', { each: count, latencies: true });
    await produce(count);
    const { latency } = await crowd.call<{ latency: { p50: number; p99: number } }>('end', {
      timeoutMs: 60_000,
    });
    return latency;
  };
  await measure(lines / 3);
  return async () => {
    const { p50, p99 } = await measure(lines);
    const trips = notify && (await notify(200));
    const peer = trips && median(trips);
    return [
      { ours: p50, peer },
      { name: 'line-to-eye-p99', ours: p99, peer },
    ];
  };
}

export const lineToEye: Row = {
  name: 'line-to-eye',
  title: `From the daemon's send to a subscriber's receipt, ${LINES_PER_SECOND} lines/s to ${SUBSCRIBERS} subscribers`,
  onEmbedded: true,
  measures: {
    'line-to-eye': {
      unit: 'ms (p50)',
      better: 'lower',
      beside: 'a NOTIFY round trip (p50)',
      target: { ours: 5 },
    },
    'line-to-eye-p99': {
      unit: 'ms (p99)',
      better: 'lower',
      beside: 'a NOTIFY round trip (p50)',
      target: { ours: 25 },
    },
  },
  prepare,
};
