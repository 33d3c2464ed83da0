import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../test/support/api.ts';
import { POSTGRESQL, type Scenario } from '../harness/scenario.ts';
import { checkWritten, writeThrough } from '../harness/two-instances.ts';

const GOES_ON_WITHIN_MS = 15_000;
const BACK_WITHIN_MS = 45_000;

/** An instance is held still, or cut off from PostgreSQL in silence, with transactions open; another one must not wait. */
export const instanceStopped: Scenario = {
  name: 'instance-stopped',
  number: '21',
  promise:
    'One of two instances held still, or its connections to PostgreSQL blackholed, in the middle of transactions: the other goes on within 15 s, and it itself once it can.',
  databases: POSTGRESQL,
  quick: [],
  run: async (world) => {
    const proxy = await world.proxy((world.database.url ?? '').replace(/^postgresql/, 'http'));
    const url = new URL(world.database.url ?? '');
    url.port = String(proxy.port);
    const still = await world.startServer({ url: url.href });
    const other = await world.startServer();
    // Several through the one that is stopped, so that it always has a transaction open.
    const urls = [other.url, still.url, still.url, still.url, still.url];
    const { writers, stop } = await writeThrough(world, urls);
    const [steady, ...stopped] = writers;
    if (!steady) return;
    await eventually(() => writers.every(({ ledger }) => ledger.length > 50));
    for (let round = world.size(10, 2); round > 0; round -= 1) {
      await delay(world.between(0, 300));
      const isCut = round % 2 === 0;
      if (isCut) proxy.blackhole();
      else still.signal('SIGSTOP');
      world.verdict.ran();
      const at = performance.now();
      // What was under way already does not count.
      await delay(200);
      const known = steady.ledger.length;
      await eventually(() => steady.ledger.length > known + 10, 120_000);
      world.verdict.recovered('going on at the other', performance.now() - at, GOES_ON_WITHIN_MS);
      if (!isCut) {
        await delay(world.between(0, 15_000));
        still.signal('SIGCONT');
      }
      const continuedAt = performance.now();
      const were = stopped.map(({ ledger }) => ledger.length);
      await eventually(
        () => stopped.every(({ ledger }, index) => ledger.length > (were[index] ?? 0) + 10),
        180_000,
      );
      world.verdict.recovered('working again', performance.now() - continuedAt, BACK_WITHIN_MS);
    }
    await stop();
    for (const server of [still, other]) await server.stop();
    await checkWritten(world, writers);
    world.verdict.note(`${writers.flatMap(({ ledger }) => ledger).length} lines`);
  },
};
