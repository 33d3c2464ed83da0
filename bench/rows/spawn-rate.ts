import { Logger, makeWorkerUtils } from 'graphile-worker';
import pg from 'pg';
import type { Row, Sample } from '../harness/row.ts';
import { now } from '../harness/serve-calls.ts';
import type { World } from '../harness/world.ts';

const CALLERS = 10;

async function prepare(world: World): Promise<() => Promise<Sample[]>> {
  const each = world.size(100, 5);
  // A daemon that is full: what is spawned waits, as in a contract with more tasks than room.
  const daemon = await world.daemon('full', 1);
  const contractId = await world.contract();
  await world.running(daemon, contractId);
  const peer = await peerOf(world);
  const rate = async (one: () => Promise<unknown>) => {
    const from = now();
    await Promise.all(
      Array.from({ length: CALLERS }, async () => {
        for (let index = 0; index < each; index += 1) await one();
      }),
    );
    return (CALLERS * each) / ((now() - from) / 1_000);
  };
  const ours = () => world.spawn(contractId);
  await rate(ours);
  if (peer) await rate(peer);
  return async () => [{ ours: await rate(ours), peer: peer && (await rate(peer)) }];
}

async function peerOf(world: World): Promise<(() => Promise<unknown>) | null> {
  if (world.setting.embedded) return null;
  const connectionString = await world.emptyDatabase();
  const pool = new pg.Pool({ connectionString, max: CALLERS });
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const utils = await makeWorkerUtils({ pgPool: pool, logger: new Logger(() => () => undefined) });
  world.atEnd(async () => {
    await utils.release();
    await pool.end();
  });
  await utils.migrate();
  return () => utils.addJob('bench', { name: 'Task', plan: 'work' });
}

export const spawnRate: Row = {
  name: 'spawn-rate',
  title: `spawnTask at ${CALLERS} callers`,
  onEmbedded: true,
  measures: {
    'spawn-rate': {
      unit: 'tasks/s',
      better: 'higher',
      beside: `graphile-worker, addJob at ${CALLERS} callers`,
      target: { ratio: 0.5 },
    },
  },
  prepare,
};
