import { type Id, toUuid } from '../../src/platform/ids.ts';
import type { Row, Sample } from '../harness/row.ts';
import { now } from '../harness/serve-calls.ts';
import type { World } from '../harness/world.ts';
import { OUTPUT } from './fanout.ts';
import { lines } from './ingest.ts';
import { seedLog } from './seed.ts';

const BATCH = 1_000;

async function prepare(world: World): Promise<() => Promise<Sample[]>> {
  const count = world.size(100_000, 2_000);
  const daemon = await world.daemon();
  const contractId = await world.contract();
  const taskId = await world.running(daemon, contractId);
  const client = world.databaseUrl ? await world.connect(world.databaseUrl) : null;
  if (client) await seedLog(client, contractId, taskId, count);
  else {
    for (let firstIndex = 0; firstIndex < count; firstIndex += BATCH)
      await daemon.caller.mutate(
        'appendTaskOutput',
        { taskId, attempt: 1, firstIndex, entries: lines(BATCH) },
        'nextIndex',
      );
  }
  const crowd = await world.child('clients/subscribers.ts', {
    url: world.owner.url.replace('http', 'ws'),
    key: world.owner.key,
  });
  const ours = async () => {
    await crowd.call('begin', { each: count, sockets: 1 });
    const from = now();
    await crowd.call('open', { count: 1, query: OUTPUT, variables: { taskId, after: 0 } });
    const { last } = await crowd.call<{ last: number }>('end', { timeoutMs: 60_000 });
    await crowd.call('close');
    return count / ((last - from) / 1_000);
  };
  const theirs = async () => {
    const from = now();
    const { rows } = (await client?.query({
      name: 'replay',
      text: "select sequence, type, task_id, data, occurred_at from contract_event where task_id = $1 and type = 'OUTPUT' order by sequence",
      values: [toUuid(taskId as Id)],
    })) ?? { rows: [] };
    return rows.length / ((now() - from) / 1_000);
  };
  await ours();
  if (client) await theirs();
  const before = await world.server.call<{ rss: number }>('memory');
  return async () => {
    const mine = await ours();
    const { rss } = await world.server.call<{ rss: number }>('memory');
    return [
      { ours: mine, peer: client && (await theirs()) },
      { name: 'replay-memory', ours: (rss - before.rss) / 2 ** 20, peer: null },
    ];
  };
}

export const replay: Row = {
  name: 'replay',
  title: '100,000 stored lines to a new subscriber',
  onEmbedded: true,
  measures: {
    replay: {
      unit: 'lines/s',
      better: 'higher',
      beside: 'the same rows read by `pg` in one query',
      target: { ratio: 0.3 },
    },
    'replay-memory': { unit: 'MiB the server grew', better: 'lower', beside: '', target: { ours: 30 } },
  },
  prepare,
};
