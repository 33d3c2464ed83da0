import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../test/support/api.ts';
import { type FaultyProxy, isSocket, type Link } from '../harness/faulty-proxy.ts';
import { readFrom } from '../harness/reader.ts';
import { BOTH, type Scenario } from '../harness/scenario.ts';

const NOTICED_WITHIN_MS = 30_000;
const READERS = 3;

/** Says a line now and then, for as long as it is let. */
const plan = (end: string) =>
  `line=0; while [ ! -e '${end}' ]; do echo "line $line"; line=$((line + 1)); sleep 0.2; done`;

/** The packets of a daemon and of subscribers vanish, and nobody is told. */
export const halfOpen: Scenario = {
  name: 'half-open',
  number: '9',
  promise:
    'Half-open connection (packets vanish): both ends notice within 30 s, and nothing is missing after.',
  databases: BOTH,
  quick: [],
  run: async (world) => {
    const server = await world.startServer();
    const proxy = await world.proxy(server.url);
    await world.startDaemon('machine', { serverUrl: proxy.url });
    const contractId = await world.contract();
    const end = `${world.directory}/end`;
    const taskId = await world.spawn(contractId, plan(end));
    await world.untilTask(taskId, 'RUNNING');
    const over = new AbortController();
    const readers = Array.from({ length: READERS }, () =>
      readFrom(world, proxy.url, contractId, over.signal),
    );
    for (let round = world.size(5, 1); round > 0; round -= 1) {
      await eventually(() => sockets(proxy).length === READERS + 1, 60_000);
      const known = readers.map(({ sequences }) => sequences.length);
      await eventually(
        () => readers.every(({ sequences }, index) => sequences.length > (known[index] ?? 0)),
        60_000,
      );
      // Anywhere between two probes.
      await delay(world.between(0, 12_000));
      // What is new is not taken either, for a while: the way there is gone, not one connection.
      proxy.isBlackhole = true;
      const dead = proxy.blackhole().filter(isSocket);
      const at = performance.now();
      setTimeout(() => {
        proxy.isBlackhole = false;
      }, 5_000);
      world.verdict.ran(dead.length);
      await eventually(() => dead.every(isLeft), 120_000).catch(() => undefined);
      for (const { nearClosedAt, farClosedAt } of dead) {
        const took = (closedAt: number | null) => (closedAt ?? Number.POSITIVE_INFINITY) - at;
        world.verdict.recovered('noticing at the client', took(nearClosedAt), NOTICED_WITHIN_MS);
        world.verdict.recovered('noticing at the server', took(farClosedAt), NOTICED_WITHIN_MS);
      }
    }
    writeFileSync(end, '');
    const { attempt } = await world.untilTask(taskId, 'DONE', 60_000);
    world.verdict.check(attempt === 1, 'the task was started again');
    const last = await world.lastSequence(contractId);
    await eventually(() => readers.every(({ sequences }) => (sequences.at(-1) ?? 0) >= last), 60_000);
    over.abort();
    await Promise.all(readers.map(({ done }) => done));
    await server.stop();
    const all = Array.from({ length: last }, (_, index) => String(index + 1));
    for (const [number, { sequences }] of readers.entries())
      world.verdict.sameList(`what reader ${number} got`, all, sequences.map(String));
    const output = await world.outputOf(taskId);
    const lines = output.filter(({ type }) => type === 'STDOUT').map(({ content }) => content);
    const expected = lines.map((_, index) => `line ${index}`);
    world.verdict.sameList('what is stored', expected, lines);
    await world.checkSequences();
  },
};

const sockets = (proxy: FaultyProxy) => [...proxy.links].filter((link) => isSocket(link) && !link.isDead);

const isLeft = ({ nearClosedAt, farClosedAt }: Link) => nearClosedAt !== null && farClosedAt !== null;
