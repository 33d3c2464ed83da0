import { setTimeout as delay } from 'node:timers/promises';
import { openContract, spawn } from '../../test/support/daemon.ts';
import type { FaultyProxy, Link } from '../harness/faulty-proxy.ts';
import { insist } from '../harness/insist.ts';
import { POSTGRESQL, type Scenario } from '../harness/scenario.ts';
import { Stopwatch } from '../harness/stopwatch.ts';
import type { World } from '../harness/world.ts';

const DELIVERED_WITHIN_MS = 5_000;

const isDoorbell = (link: Link) => link.opening.includes('taskmesh doorbell');

/** What is done to the connections between the instances and PostgreSQL. */
const FAULTS: readonly ((world: World, proxies: readonly FaultyProxy[]) => Promise<unknown>)[] = [
  (world) => world.database.query(TERMINATE),
  (world) => world.database.query(`${TERMINATE} and application_name = 'taskmesh doorbell'`),
  async (world, proxies) => proxies[pick(world, 2)]?.cut(isDoorbell),
  async (world, proxies) => proxies[pick(world, 2)]?.blackhole(isDoorbell),
  async (world, proxies) => proxies[pick(world, 2)]?.cut(() => world.random() < 0.5),
];
const TERMINATE =
  'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()';

const pick = (world: World, count: number) => Math.floor(world.random() * count);

/** The connections to the database end in every way, while one instance writes and the other delivers. */
export const postgresCut: Scenario = {
  name: 'postgres-cut',
  number: '14',
  promise:
    "PostgreSQL's backends terminated 100 times, the listening connection killed and blackholed: delivery goes on within 5 s.",
  databases: POSTGRESQL,
  quick: POSTGRESQL,
  run: async (world) => {
    const proxies = [await world.proxy(asHttp(world)), await world.proxy(asHttp(world))];
    const servers = [];
    for (const proxy of proxies) {
      const url = new URL(world.database.url ?? '');
      url.port = String(proxy.port);
      const server = await world.server({ url: url.href });
      await server.start();
      servers.push(server);
    }
    const [writer, reader] = servers.map((server) => world.api(server.url));
    if (!writer || !reader) return;
    const daemon = await world.handDaemon(writer);
    const { contractId } = await openContract(writer, {
      repositories: [{ localPath: world.repository, isPrimary: true }],
      startSupervisor: false,
    });
    const taskId = await spawn(writer, contractId);
    await daemon.start(taskId);

    const watch = new Stopwatch(world, reader, contractId);
    const over = new AbortController();
    const ledger: string[] = [];
    const writing = (async () => {
      while (!over.signal.aborted) {
        const content = `line ${ledger.length}`;
        const entries = [{ type: 'STDOUT', content, createdAt: new Date().toISOString() }];
        const input = { taskId, attempt: 1, firstIndex: ledger.length, entries };
        const beganAt = performance.now();
        await insist(daemon.api, 'appendTaskOutput', input, 'nextIndex', {
          onRetry: (why) =>
            world.verdict.check(why !== 'INTERNAL_SERVER_ERROR', 'a cut was told as INTERNAL_SERVER_ERROR'),
        });
        world.verdict.recovered('writing', performance.now() - beganAt, DELIVERED_WITHIN_MS);
        ledger.push(content);
        watch.acknowledged(content);
        await delay(10);
      }
    })();
    for (let round = world.size(100, 5); round > 0; round -= 1) {
      const fault = FAULTS[round % FAULTS.length];
      await fault?.(world, proxies);
      world.verdict.ran();
      await delay(world.between(100, 1_500));
    }
    over.abort();
    await writing;
    await watch.untilAllDelivered(ledger, DELIVERED_WITHIN_MS);
    for (const server of servers) await server.stop();

    world.verdict.sameList('what was delivered', ledger, watch.contents);
    const output = await world.outputOf(taskId);
    world.verdict.sameList(
      'what is stored',
      ledger,
      output.map(({ content }) => content),
    );
    await world.checkSequences();
    world.verdict.note(`${ledger.length} lines, the subscription ended ${watch.interruptions} times`);
  },
};

/** The proxy takes URLs of the web. */
function asHttp(world: World): string {
  return (world.database.url ?? '').replace(/^postgresql/, 'http');
}
