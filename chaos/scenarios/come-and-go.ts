import { setTimeout as delay } from 'node:timers/promises';
import { Child } from '../../bench/harness/child.ts';
import { Api, eventually } from '../../test/support/api.ts';
import { onEnd } from '../../test/support/cleanup.ts';
import { openContract } from '../../test/support/daemon.ts';
import { SseSubscription } from '../../test/support/sse.ts';
import { RawSubscriber } from '../harness/raw-subscriber.ts';
import { BOTH, EMBEDDED, type Scenario } from '../harness/scenario.ts';
import type { World } from '../harness/world.ts';

const AT_ONCE = 25;
const BACK_WITHIN_MS = 15_000;

const QUERIES = [
  'subscription($id: ID!) { contractEvents(contractId: $id) { sequence } }',
  'subscription($id: ID!) { contractEvents(contractId: $id, afterSequence: 0) { sequence } }',
  'subscription($id: ID!) { questionAsked(contractId: $id) { id } }',
  'subscription($id: ID!) { taskCompleted(contractId: $id) { sequence } }',
];

/** Clients come and leave where nothing is said, in all the ways in which one can leave. */
export const comeAndGo: Scenario = {
  name: 'come-and-go',
  number: '17',
  promise: '10,000 connect-and-leave cycles on a quiet topic: no listener left.',
  databases: BOTH,
  quick: EMBEDDED,
  run: async (world) => {
    const { url: databaseUrl, dataDir } = world.database;
    // The one that can be asked how many listen.
    const server = await Child.start('servers/taskmesh.ts', { databaseUrl, dataDir });
    onEnd(() => server.stop());
    const { url, key } = await server.call<{ url: string; key: string }>('where');
    const api = new Api(url, key);
    onEnd(() => api.close());
    const { contractId } = await openContract(api, { startSupervisor: false });
    const listeners = () => server.call<number>('listeners');
    const before = await listeners();
    const cycles = world.size(10_000, 500);
    let begun = 0;
    let most = 0;
    const visitors = Array.from({ length: AT_ONCE }, async () => {
      while (begun < cycles) await visit(world, api, contractId, begun++);
    });
    const watch = setInterval(async () => {
      most = Math.max(most, await listeners().catch(() => 0));
    }, 200);
    await Promise.all(visitors);
    clearInterval(watch);
    world.verdict.ran(cycles);
    const leftAt = performance.now();
    // A log is watched for a moment longer than it is read.
    await eventually(async () => (await listeners()) <= before, BACK_WITHIN_MS).catch(() => undefined);
    const after = await listeners();
    world.verdict.recovered('forgetting them', performance.now() - leftAt, BACK_WITHIN_MS);
    world.verdict.check(after === before, `${after - before} listeners were left behind`);
    world.verdict.check(most > before, 'nobody ever listened');
    world.verdict.note(`${before} listeners before, ${most} at most, ${after} after`);
    await server.stop();
  },
};

async function visit(world: World, api: Api, id: string, number: number): Promise<void> {
  const query = QUERIES[number % QUERIES.length] ?? '';
  // From before it was answered to when it had been at rest.
  const stay = world.between(0, 40);
  if (world.random() < 0.25) {
    const stream = new SseSubscription(api, query, { id });
    await delay(stay);
    return stream.stop();
  }
  const client = new RawSubscriber(api, query, { id }, () => undefined);
  if (world.random() < 0.8) await eventually(() => client.isSubscribed || client.ended !== null);
  await delay(stay);
  if (world.random() < 0.5) return client.cut();
  client.socket.close(1000);
}
