import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../test/support/api.ts';
import { openContract, spawn } from '../../test/support/daemon.ts';
import { numbered } from '../../test/support/running-task.ts';
import { insist } from '../harness/insist.ts';
import { readFrom } from '../harness/reader.ts';
import { BOTH, POSTGRESQL, type Scenario } from '../harness/scenario.ts';
import type { World } from '../harness/world.ts';

/** Subscribers are cut, come back with their cursor, on PostgreSQL to whichever instance, and compare with the log. */
export const subscriberCut: Scenario = {
  name: 'subscriber-cut',
  number: '5',
  promise:
    'Subscriber cut 100 times, resuming by cursor: no gap, no duplicate. A forged or pruned cursor is refused every time.',
  databases: BOTH,
  quick: POSTGRESQL,
  run: async (world) => {
    const servers = [await world.startServer()];
    if (world.kind === 'postgresql') servers.push(await world.startServer());
    const daemon = await world.handDaemon();
    const { contractId } = await openContract(world.api(), {
      repositories: [{ localPath: world.repository, isPrimary: true }],
      startSupervisor: false,
    });
    const taskId = await spawn(world.api(), contractId);
    await daemon.start(taskId);

    // Further back than the server keeps in memory: they begin with storage.
    const old = numbered('old line', 5_000);
    for (let first = 0; first < old.length; first += 500)
      await daemon.append(taskId, 1, first, old.slice(first, first + 500));
    const over = new AbortController();
    const cuts = world.size(100, 15);
    const readers = await Promise.all(
      [0, 1, 2].map(async () => {
        const proxy = await world.proxy(servers[0]?.url ?? '');
        return { proxy, ...readFrom(world, proxy.url, contractId, over.signal) };
      }),
    );
    const writing = new AbortController();
    const slowest = () => Math.min(...readers.map(({ contents }) => contents.length));
    const written = append(world, { key: daemon.api.key, taskId, ledger: [...old] }, slowest, writing.signal);
    for (let cut = 0; cut < cuts; cut += 1) {
      for (const { proxy, sequences } of readers) {
        const next = servers[Math.floor(world.random() * servers.length)];
        proxy.retarget(next?.url ?? '');
        // Mostly in the middle of what it gets, sometimes before it gets anything.
        const known = sequences.length;
        const isLate = world.random() < 0.8;
        await eventually(() => (isLate ? sequences.length > known : proxy.links.size > 0), 30_000);
        await delay(world.between(0, 30));
        proxy.cut();
        world.verdict.ran();
      }
    }
    writing.abort();
    const lines = await written;
    await finishForged(world, contractId);
    const last = await world.lastSequence(contractId);
    for (const reader of readers) {
      const startedAt = performance.now();
      await eventually(() => (reader.sequences.at(-1) ?? 0) >= last, 30_000);
      world.verdict.recovered('catching up', performance.now() - startedAt, 10_000);
    }
    over.abort();
    await Promise.all(readers.map(({ done }) => done));
    for (const server of servers) await server.stop();

    const all = Array.from({ length: last }, (_, index) => String(index + 1));
    for (const [number, reader] of readers.entries()) {
      world.verdict.sameList(`what reader ${number} got`, all, reader.sequences.map(String));
      world.verdict.sameList(`lines of reader ${number}`, lines, reader.contents);
    }
    await world.checkSequences();
    world.verdict.note(`${last} events to each of ${readers.length} readers`);
  },
};

/** Appends batch after batch, each until it is acknowledged, behind what the ledger has. @returns the lines that were */
async function append(
  world: World,
  { key, taskId, ledger }: { key: string | null; taskId: string; ledger: string[] },
  slowest: () => number,
  signal: AbortSignal,
): Promise<string[]> {
  const api = world.api().as(key);
  for (let batch = 0; !signal.aborted; batch += 1) {
    const contents = numbered(`batch ${batch} line`, 1 + Math.floor(world.random() * 40));
    const entries = contents.map((content) => ({
      type: 'STDOUT',
      content,
      createdAt: new Date().toISOString(),
    }));
    const input = { taskId, attempt: 1, firstIndex: ledger.length, entries };
    await insist(api, 'appendTaskOutput', input, 'nextIndex');
    ledger.push(...contents);
    await delay(world.between(0, 15));
    // More than the server keeps in memory, so that now and then they read storage; but they are to be cut, not flooded.
    while (ledger.length - slowest() > 6_000 && !signal.aborted) await delay(10);
  }
  return ledger;
}

/** Cursors that nobody was given, at random and at the edges. */
async function finishForged(world: World, contractId: string): Promise<void> {
  const last = await world.lastSequence(contractId);
  const edges = [-1, last + 1, 2_147_483_647, -2_147_483_648];
  const forged = Array.from({ length: 96 }, () => last + 1 + Math.floor(world.random() * 1_000_000));
  for (const after of [...edges, ...forged]) {
    const query =
      'subscription($id: ID!, $after: Int) { contractEvents(contractId: $id, afterSequence: $after) { sequence } }';
    const subscription = world.api().subscribe(query, { id: contractId, after });
    const { code } = await subscription.refusal();
    world.verdict.check(code === 'CURSOR_INVALID', `the forged cursor ${after} got ${code}`);
    subscription.stop();
  }
}
