import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../test/support/api.ts';
import { agentProcesses } from '../harness/agents.ts';
import { BOTH, type Scenario } from '../harness/scenario.ts';
import type { World } from '../harness/world.ts';
import { daemonNamed } from './daemon-lost.ts';

const GRACE_MS = 61_000;
const STOPPED_WITHIN_MS = 5_000;

/** In its first attempt it talks until a file says that it may end, or for ever; in a later one it says one thing. */
function plan(mayEnd: string): string {
  return `
attempt="\${TASKMESH_RUN_ID##*.}"
if [ "$attempt" != 1 ]; then echo "summary of $attempt"; sleep 3; exit 0; fi
line=0
while [ ! -e '${mayEnd}' ]; do echo "line $line"; line=$((line + 1)); sleep 0.1; done
echo "summary of $attempt"
`;
}

/** A daemon is held still past its lease, its agents are not; then it goes on as if nothing had been. */
export const daemonStopped: Scenario = {
  name: 'daemon-stopped',
  number: '8',
  promise:
    'Daemon stopped past its lease, then continued: every late report refused, its agents stopped within 5 s.',
  databases: BOTH,
  quick: [],
  run: async (world) => {
    const server = await world.startServer();
    const startedAt = performance.now();
    const daemons = { a: await world.startDaemon('a'), b: await world.startDaemon('b') };
    const contractId = await world.contract();
    await delay(Math.max(0, GRACE_MS - (performance.now() - startedAt)));
    const all: string[] = [];
    for (let round = world.size(4, 1); round > 0; round -= 1) {
      const [victim, heir] = round % 2 === 0 ? (['a', 'b'] as const) : (['b', 'a'] as const);
      const heirId = (await daemonNamed(world, heir)).id;
      await world.api().mutate('drainDaemon', { daemonId: heirId }, '__typename');
      // The agent of the first ends by itself while nobody looks; that of the second goes on.
      const mayEnd = join(world.directory, `may-end-${round}`);
      const tasks = [
        await world.spawn(contractId, plan(mayEnd)),
        await world.spawn(contractId, plan('/nonexistent')),
      ];
      for (const id of tasks) await world.untilTask(id, 'RUNNING');
      await delay(500);
      await world.api().mutate('drainDaemon', { daemonId: heirId, draining: false }, '__typename');
      daemons[victim].signal('SIGSTOP');
      writeFileSync(mayEnd, '');
      world.verdict.ran();
      for (const id of tasks)
        await eventually(async () => {
          const { attempt, status } = await world.task(id);
          return attempt === 2 && ['RUNNING', 'DONE'].includes(status);
        }, 60_000);
      const goesOn = agentProcesses(`TASKMESH_RUN_ID=${tasks[1]}.1`);
      world.verdict.check(goesOn.length > 0, 'the agent of the stopped daemon was gone before');
      daemons[victim].signal('SIGCONT');
      const continuedAt = performance.now();
      await eventually(
        () => tasks.every((id) => agentProcesses(`TASKMESH_RUN_ID=${id}.1`).length === 0),
        30_000,
      );
      world.verdict.recovered('stopping the agent', performance.now() - continuedAt, STOPPED_WITHIN_MS);
      for (const id of tasks) await world.untilTask(id, 'DONE');
      await spoolsGone(world, daemons[victim].dataDir, tasks);
      all.push(...tasks);
    }
    await server.stop();
    for (const id of all) await checkTask(world, id);
    await world.checkSequences();
  },
};

/** What the stopped daemon's agents had said must reach the log, although their attempt is over. */
async function spoolsGone(world: World, dataDir: string, tasks: string[]): Promise<void> {
  await eventually(() => tasks.every((id) => !existsSync(join(dataDir, 'spool', `${id}.1`))), 30_000).catch(
    () => world.verdict.check(false, 'output of the old attempt was not sent'),
  );
}

async function checkTask(world: World, id: string): Promise<void> {
  const output = (await world.outputOf(id)).filter(({ type }) => type === 'STDOUT');
  const lines = output.filter(({ attempt, content }) => attempt === 1 && content.startsWith('line'));
  const expected = lines.map((_, index) => `line ${index}`);
  world.verdict.sameList(
    `output of ${id}`,
    expected,
    lines.map(({ content }) => content),
  );
  const [task] = await world.database.query<{
    status: string;
    attempt: number;
    output_summary: string;
    completions: number;
  }>(`
    select status, attempt, output_summary, (
      select count(*)::int from contract_event e where e.task_id = t.id and e.type = 'TASK_COMPLETED') as completions
    from task t where t.id = '${world.uuid(id)}'`);
  world.verdict.check(
    task?.status === 'DONE' && task.attempt === 2 && task.output_summary === 'summary of 2',
    `the end of ${id} is not that of its second attempt: ${JSON.stringify(task)}`,
  );
  world.verdict.doubled += Math.max(0, (task?.completions ?? 0) - 1);
  world.verdict.check(task?.completions === 1, `${id} was completed ${task?.completions} times`);
}
