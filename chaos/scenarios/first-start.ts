import { setTimeout as delay } from 'node:timers/promises';
import { Api } from '../../test/support/api.ts';
import { BOTH, POSTGRESQL, type Scenario } from '../harness/scenario.ts';
import type { World } from '../harness/world.ts';

/** The very first start dies at any moment; on PostgreSQL two instances do it at once. */
export const firstStart: Scenario = {
  name: 'first-start',
  number: '20',
  promise:
    'The first start killed at any moment, 30 times; several first starts at once: the next start works, with one owner, whose key is there.',
  databases: BOTH,
  quick: POSTGRESQL,
  run: async (world) => {
    for (let round = world.size(30, 1); round > 0; round -= 1) await killedFirst(world);
    if (world.kind === 'postgresql')
      for (let round = world.size(10, 1); round > 0; round -= 1) await severalAtOnce(world);
  },
};

async function killedFirst(world: World): Promise<void> {
  const database = await world.emptyDatabase();
  const server = await world.server(database);
  // Sometimes twice in a row.
  do {
    server.launch();
    await delay(world.between(200, 5_000));
    await server.kill();
    world.verdict.ran();
  } while (world.random() < 0.2);
  const tookMs = await server.start();
  world.verdict.recovered('the start after the one that was killed', tookMs, 30_000);
  const { viewer } = await new Api(server.url, server.key).ask('{ viewer { owner { name } } }');
  world.verdict.check(viewer.owner.name === 'Owner', `the key is that of ${JSON.stringify(viewer)}`);
  await server.stop();
  await oneOwner(world, await database.query('select id from owner'));
}

async function severalAtOnce(world: World): Promise<void> {
  const database = await world.emptyDatabase();
  const first = await world.server(database);
  const others = [await world.server({ ...database, dataDir: `${database.dataDir}-2` })];
  for (const server of [first, ...others]) server.launch();
  for (const server of [first, ...others]) await server.ready();
  world.verdict.ran();
  for (const server of [first, ...others]) await server.stop();
  await oneOwner(world, await database.query('select id from owner'));
}

async function oneOwner(world: World, owners: unknown[]): Promise<void> {
  world.verdict.doubled += Math.max(0, owners.length - 1);
  world.verdict.check(owners.length === 1, `there are ${owners.length} owners`);
}
