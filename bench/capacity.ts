import { alone } from './harness/alone.ts';
import type { World } from './harness/world.ts';
import { OUTPUT } from './rows/fanout.ts';

/*
 * node bench/capacity.ts
 *
 * What of a processor one server instance needs for each thing that daemons and subscribers do. It is the time of the
 * server's process, so a machine that others use changes little of it; what PostgreSQL needs is not in it.
 */
const LINES = 10_000;
const BATCH = 200;
const CROWD = 200;
const BURSTS = 40;
const BURST = 10;

await alone(measure);

async function measure(world: World): Promise<void> {
  const daemon = await world.daemon();
  const contractId = await world.contract();
  const taskId = await world.running(daemon, contractId);
  const { caller } = daemon;
  let next = 0;
  const append = async (count: number) => {
    const createdAt = new Date().toISOString();
    const entries = Array.from({ length: count }, (_, index) => ({
      type: 'STDOUT',
      content: `${next + index} `.padEnd(100, 'lorem ipsum '),
      createdAt,
    }));
    await caller.mutate('appendTaskOutput', { taskId, attempt: 1, firstIndex: next, entries }, 'nextIndex');
    next += count;
  };
  const cost = async (name: string, count: number, work: () => Promise<void>): Promise<number> => {
    const before = await world.server.call<number>('cpu');
    await work();
    const each = ((await world.server.call<number>('cpu')) - before) / count;
    console.log(`${name}: ${each < 0.1 ? `${(each * 1_000).toFixed(1)} µs` : `${each.toFixed(2)} ms`}`);
    return each;
  };
  const life = async () => {
    const id = await world.running(daemon, contractId);
    await daemon.report(id, 'DONE');
  };
  const beat = async (times: number) => {
    for (let index = 0; index < times; index += 10)
      await Promise.all(Array.from({ length: 10 }, () => daemon.beat()));
  };
  // Compiled first.
  await beat(500);
  for (let index = 0; index < 50; index += 1) await life();
  for (let index = 0; index < 50; index += 1) await append(BATCH);

  await cost('a heartbeat of a daemon', 1_000, () => beat(1_000));
  await cost('a task from its spawn to its end', 60, async () => {
    for (let index = 0; index < 60; index += 1) await life();
  });
  const line = await cost(`a line of output, in batches of ${BATCH}`, LINES, async () => {
    for (let index = 0; index < LINES; index += BATCH) await append(BATCH);
  });

  const crowd = await world.child('clients/subscribers.ts', {
    url: world.owner.url.replace('http', 'ws'),
    key: world.owner.key,
  });
  const open = async () => {
    const { contract } = await world.owner.ask('query($id: ID!) { contract(id: $id) { lastSequence } }', {
      id: contractId,
    });
    const variables = { taskId, after: contract.lastSequence };
    await crowd.call('open', { count: CROWD, query: OUTPUT, variables });
  };
  const joined = async () => {
    await crowd.call('begin', { each: 1 });
    await append(1);
    await crowd.call('end', { timeoutMs: 60_000 });
  };
  await open();
  await joined();
  await crowd.call('close');
  await cost('a subscriber that connects, and leaves again', CROWD, async () => {
    await open();
    await joined();
    await crowd.call('close');
  });
  await open();
  await joined();
  const before = await world.server.call<number>('cpu');
  for (let index = 0; index < BURSTS; index += 1) {
    await crowd.call('begin', { each: BURST });
    await append(BURST);
    await crowd.call('end', { timeoutMs: 60_000 });
  }
  const spent = (await world.server.call<number>('cpu')) - before - line * BURSTS * BURST;
  const deliveries = BURSTS * BURST * CROWD;
  console.log(
    `a delivery to one of ${CROWD} subscribers, in bursts of ${BURST}: ${((spent / deliveries) * 1_000).toFixed(1)} µs`,
  );
}
