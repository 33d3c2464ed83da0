import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../test/support/api.ts';
import type { Daemon } from '../harness/daemon.ts';
import { isSocket } from '../harness/faulty-proxy.ts';
import { BOTH, POSTGRESQL, type Scenario } from '../harness/scenario.ts';

/** Talks without end in its first attempt, and says one thing in any later one. */
const PLAN = `
if [ "\${TASKMESH_RUN_ID##*.}" != 1 ]; then echo again; exit 0; fi
line=0
while :; do
  echo "line $line"; line=$((line + 1))
  [ $((line % 20)) -ne 0 ] || sleep 0.02
done
`;

/** The daemon dies with output on its disk that the server has not seen. */
export const daemonKilled: Scenario = {
  name: 'daemon-killed',
  number: '3',
  promise: 'Daemon killed 20 times with output in its spool: nothing lost of what was spooled.',
  databases: BOTH,
  quick: POSTGRESQL,
  run: async (world) => {
    const server = await world.startServer();
    const proxy = await world.proxy(server.url);
    let isHeld = false;
    // The batch under way arrives, and its reply does not; what follows does not arrive.
    proxy.onReply = (_bytes, link) => (isHeld && !isSocket(link) ? 'swallow' : 'pass');
    proxy.onRequest = (_bytes, link) =>
      isHeld && !isSocket(link) && world.random() < 0.7 ? 'swallow' : 'pass';
    const daemon = await world.startDaemon('machine', { serverUrl: proxy.url });
    const contractId = await world.contract();
    const ledger = new Map<string, string[]>();
    for (let kill = world.size(20, 2); kill > 0; kill -= 1) {
      const taskId = await world.spawn(contractId, PLAN);
      await world.untilTask(taskId, 'RUNNING');
      await delay(world.between(100, 600));
      isHeld = true;
      const held = await unsent(daemon, taskId, world.between(50, 400));
      await daemon.kill();
      world.verdict.ran();
      ledger.set(taskId, spooledBy(daemon, taskId));
      isHeld = false;
      const restartedAt = performance.now();
      await daemon.start();
      await world.untilTask(taskId, 'DONE');
      world.verdict.recovered('sending what was spooled', performance.now() - restartedAt, 30_000);
      world.verdict.check(held > 0, 'there was nothing in the spool');
    }
    await server.stop();

    for (const [taskId, spooled] of ledger) {
      const output = await world.outputOf(taskId);
      const contents = (attempt: number) =>
        output
          .filter((entry) => entry.attempt === attempt && entry.type === 'STDOUT')
          .map(({ content }) => content);
      world.verdict.sameList(`output of ${taskId}`, spooled, contents(1));
      world.verdict.sameList(`output of the second attempt of ${taskId}`, ['again'], contents(2));
    }
    await world.checkSequences();
    world.verdict.note(`${[...ledger.values()].flat().length} lines`);
  },
};

/** Waits until so many more lines are on the daemon's disk than when the line went dead. */
async function unsent(daemon: Daemon, taskId: string, count: number): Promise<number> {
  const before = daemon.spooled(taskId, 1)?.contents.length ?? 0;
  return eventually(() => {
    const more = (daemon.spooled(taskId, 1)?.contents.length ?? 0) - before;
    return more >= count && more;
  });
}

/** Everything that the first attempt ever promised to send, from its first line on. */
function spooledBy(daemon: Daemon, taskId: string): string[] {
  const spool = daemon.spooled(taskId, 1);
  if (!spool) throw new Error('the killed daemon left no spool');
  return Array.from({ length: spool.firstIndex + spool.contents.length }, (_, index) => `line ${index}`);
}
