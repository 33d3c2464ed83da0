import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BOTH, EMBEDDED, type Scenario } from '../harness/scenario.ts';
import { linesOf } from '../harness/speech.ts';

const TASKS = 3;
const DRAINED_WITHIN_MS = 60_000;

/** Says about 200 lines a second until it is told that it may end, and then how many they were. */
const plan = (directory: string, task: number) => `
line=0
while [ ! -e '${directory}'/end ]; do
  said=0
  while [ $said -lt 20 ]; do echo "line $line"; line=$((line + 1)); said=$((said + 1)); done
  sleep 0.1
done
echo $line > '${directory}'/said-${task}
`;

/** The server is away for long, and agents go on. */
export const serverAway: Scenario = {
  name: 'server-away',
  number: '4',
  promise: 'Server away for 10 minutes: all output drained within 60 s of its return.',
  databases: BOTH,
  quick: EMBEDDED,
  run: async (world) => {
    const awayMs = world.size(600_000, 10_000);
    const server = await world.startServer();
    await world.startDaemon('machine');
    const contractId = await world.contract();
    const tasks: string[] = [];
    for (let task = 0; task < TASKS; task += 1)
      tasks.push(await world.spawn(contractId, plan(world.directory, task)));
    for (const task of tasks) await world.untilTask(task, 'RUNNING');
    await delay(500);
    await server.kill();
    world.verdict.ran();
    await delay(awayMs);
    writeFileSync(join(world.directory, 'end'), '');
    await server.start();
    const backAt = performance.now();
    // A task is DONE when all of its output is there.
    for (const task of tasks) await world.untilTask(task, 'DONE', 180_000);
    world.verdict.recovered('draining', performance.now() - backAt, DRAINED_WITHIN_MS);
    await server.stop();

    let lines = 0;
    for (const [index, task] of tasks.entries()) {
      const said = Number(readFileSync(join(world.directory, `said-${index}`), 'utf8'));
      lines += said;
      const output = (await world.outputOf(task)).filter(({ type }) => type === 'STDOUT');
      world.verdict.sameList(
        `output of ${task}`,
        linesOf(said),
        output.map(({ content }) => content),
      );
      world.verdict.check(
        output.every(({ attempt }) => attempt === 1),
        `${task} was started again`,
      );
    }
    await world.checkSequences();
    world.verdict.note(`away for ${awayMs / 1_000} s, ${lines} lines`);
  },
};
