import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../test/support/api.ts';
import { openContract, spawn } from '../../test/support/daemon.ts';
import { insist } from '../harness/insist.ts';
import { MemoryWatch } from '../harness/memory.ts';
import { RawSubscriber } from '../harness/raw-subscriber.ts';
import { BOTH, type Scenario } from '../harness/scenario.ts';
import type { World } from '../harness/world.ts';

const CUT_WITHIN_MS = 15_000;
const MEMORY_MB = 64;
const P99_MS = 250;
const OTHERS = 5;
const BATCH = 20;
const PADDING = 'x'.repeat(4_000);
const QUERY = 'subscription($id: ID!) { taskOutput(taskId: $id, afterSequence: 0) { sequence content } }';

/** One subscriber stops reading while much is said, and others go on. */
export const deafSubscriber: Scenario = {
  name: 'deaf-subscriber',
  number: '16',
  promise:
    "One subscriber that never reads while 20,000 events of 4 KB pass: cut within 15 s, server memory +64 MB at most, the others' p99 below 250 ms.",
  databases: BOTH,
  quick: [],
  run: async (world) => {
    const server = await world.startServer({ args: ['--log-level', 'info'] });
    const daemon = await world.handDaemon();
    const { contractId } = await openContract(world.api(), {
      repositories: [{ localPath: world.repository, isPrimary: true }],
      startSupervisor: false,
    });
    const taskId = await spawn(world.api(), contractId);
    await daemon.start(taskId);
    const sentAt: number[] = [];
    const latencies: number[] = [];
    const gots = Array.from({ length: OTHERS }, () => [] as string[]);
    const subscribers = gots.map(
      (got) =>
        new RawSubscriber(world.api(), QUERY, { id: taskId }, ({ content }, at) => {
          const number = content.split(' ', 1)[0];
          got.push(number);
          latencies.push(at - (sentAt[number] ?? 0));
        }),
    );
    const talk = async (count: number) => {
      for (const end = sentAt.length + count; sentAt.length < end; ) {
        const first = sentAt.length;
        const numbers = Array.from({ length: BATCH }, (_, index) => first + index);
        const createdAt = new Date().toISOString();
        const entries = numbers.map((number) => ({
          type: 'STDOUT',
          content: `${number} ${PADDING}`,
          createdAt,
        }));
        sentAt.push(...numbers.map(() => performance.now()));
        await insist(
          daemon.api,
          'appendTaskOutput',
          { taskId, attempt: 1, firstIndex: first, entries },
          'nextIndex',
        );
        await delay(15);
      }
    };
    // What a server comes to hold by itself when so much passes is not the fault of who does not read.
    const events = world.size(20_000, 4_000);
    const memory = new MemoryWatch(server.pid);
    // The embedded database is in its process, and has 128 MB of buffers to fill.
    await talk(world.kind === 'embedded' ? 2 * events : events);
    // Nor is what anybody costs who reads it all from storage, as the deaf one begins to.
    await readAll(world, taskId, sentAt.length);
    const before = memory.peak;
    latencies.length = 0;
    const said = sentAt.length;
    const deafAt = await becomeDeaf(world, taskId);
    const cut = until(() => server.log.includes('does not read was cut off'), 90_000);
    await talk(events);
    const cutAt = await cut;
    await eventually(() => gots.every((got) => got.length >= sentAt.length), 60_000);
    world.verdict.ran(events);
    world.verdict.recovered('cutting it', cutAt - deafAt, CUT_WITHIN_MS);
    const grown = memory.peak - before;
    world.verdict.check(grown <= MEMORY_MB, `the server grew by ${Math.round(grown)} MB`);
    latencies.sort((a, b) => a - b);
    const p99 = latencies[Math.floor(latencies.length * 0.99)] ?? 0;
    world.verdict.check(p99 < P99_MS, `the others waited ${Math.round(p99)} ms at p99`);
    for (const subscriber of subscribers)
      world.verdict.check(subscriber.ended === null, `another was cut, too: ${subscriber.ended}`);
    await server.stop();
    const all = sentAt.map((_, number) => String(number));
    for (const [number, got] of gots.entries()) world.verdict.sameList(`what ${number} got`, all, got);
    world.verdict.note(
      `${said} events before; memory +${Math.round(grown)} MB; p99 of the others ${Math.round(p99)} ms`,
    );
  },
};

async function readAll(world: World, taskId: string, events: number): Promise<void> {
  let count = 0;
  const reader = new RawSubscriber(world.api(), QUERY, { id: taskId }, () => void (count += 1));
  await eventually(() => count >= events, 60_000);
  reader.cut();
}

/** @returns when it had stopped reading, which it does once it is given events */
async function becomeDeaf(world: World, taskId: string): Promise<number> {
  let count = 0;
  const deaf = new RawSubscriber(world.api(), QUERY, { id: taskId }, () => void (count += 1));
  await eventually(() => count > 0);
  deaf.socket.pause();
  return performance.now();
}

/** @returns when the condition was found to be true */
async function until(condition: () => boolean, withinMs: number): Promise<number> {
  await eventually(condition, withinMs).catch(() => undefined);
  return condition() ? performance.now() : Number.POSITIVE_INFINITY;
}
