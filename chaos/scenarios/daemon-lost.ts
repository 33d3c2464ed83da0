import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../test/support/api.ts';
import { agentProcesses } from '../harness/agents.ts';
import { BOTH, type Scenario } from '../harness/scenario.ts';
import type { World } from '../harness/world.ts';

/** How long after its own start a server judges nobody. Milliseconds. */
const GRACE_MS = 61_000;
const FOUND_WITHIN_MS = 30_000;
const MOVED_WITHIN_MS = 35_000;
const TASKS = 3;

/** Its first attempt makes files and then waits; any attempt says what is in them. */
const PLAN = `
say() { cat data.bin deep/er/name.txt | sha256sum; }
if [ "\${TASKMESH_RUN_ID##*.}" = 1 ]; then
  head -c 300000 /dev/urandom > data.bin
  mkdir -p deep/er
  echo "$TASKMESH_TASK_ID" > deep/er/name.txt
  say
  sleep 600
fi
say
`;

/** A machine dies; its work goes on elsewhere. */
export const daemonLost: Scenario = {
  name: 'daemon-lost',
  number: '7',
  promise:
    "Daemon killed: found out in 30 s, its tasks on another daemon in 35 s, with their checkpoints' files there.",
  databases: BOTH,
  quick: [],
  run: async (world) => {
    const server = await world.startServer();
    const startedAt = performance.now();
    const daemons = { a: await world.startDaemon('a'), b: await world.startDaemon('b') };
    const contractId = await world.contract();
    await delay(Math.max(0, GRACE_MS - (performance.now() - startedAt)));
    const moved: string[] = [];
    for (let round = world.size(4, 1); round > 0; round -= 1) {
      const [victim, heir] = round % 2 === 0 ? (['a', 'b'] as const) : (['b', 'a'] as const);
      const tasks = await startOn(world, contractId, victim, heir);
      const killedAt = performance.now();
      await daemons[victim].kill();
      world.verdict.ran();
      await eventually(async () => (await daemonNamed(world, victim)).status === 'DISCONNECTED', 60_000);
      world.verdict.recovered('finding it out', performance.now() - killedAt, FOUND_WITHIN_MS);
      await eventually(async () => {
        const all = await Promise.all(tasks.map((id) => world.task(id)));
        return all.every(({ attempt, status }) => attempt === 2 && ['RUNNING', 'DONE'].includes(status));
      }, 60_000);
      world.verdict.recovered('moving the tasks', performance.now() - killedAt, MOVED_WITHIN_MS);
      for (const id of tasks) {
        const task = await world.untilTask(id, 'DONE');
        world.verdict.check(task.daemon.name === heir, `${id} went on at ${task.daemon.name}`);
      }
      moved.push(...tasks);
      await daemons[victim].start();
      const left = tasks.flatMap((id) => agentProcesses(`TASKMESH_RUN_ID=${id}.1`));
      world.verdict.check(
        left.length === 0,
        `${left.length} processes of the dead daemon's agents still run`,
      );
    }
    await server.stop();

    for (const id of moved) {
      const said = (await world.outputOf(id)).filter(({ type }) => type === 'STDOUT');
      const [first, second] = [1, 2].map((attempt) => said.filter((entry) => entry.attempt === attempt));
      const same =
        first?.[0]?.content === second?.[0]?.content && first?.length === 1 && second?.length === 1;
      world.verdict.lost += same ? 0 : 1;
      world.verdict.check(same, `${id} found other files: ${JSON.stringify(said)}`);
    }
    await world.checkSequences();
    world.verdict.note(`${moved.length} tasks moved`);
  },
};

export async function daemonNamed(world: World, name: string): Promise<{ id: string; status: string }> {
  const { daemons } = await world.api().ask('{ daemons { id name status } }');
  return daemons.find((daemon: { name: string }) => daemon.name === name);
}

/** Starts the tasks on one daemon, and saves their working copies, while the other takes none. */
async function startOn(world: World, contractId: string, victim: string, heir: string): Promise<string[]> {
  const api = world.api();
  const { id } = await daemonNamed(world, heir);
  await api.mutate('drainDaemon', { daemonId: id }, '__typename');
  const tasks: string[] = [];
  for (let each = 0; each < TASKS; each += 1) tasks.push(await world.spawn(contractId, PLAN));
  for (const taskId of tasks) {
    const task = await world.untilTask(taskId, 'RUNNING');
    world.verdict.check(task.daemon.name === victim, `${taskId} was started on ${task.daemon.name}`);
    await eventually(async () => {
      const query = 'query($id: ID!) { taskOutput(taskId: $id, first: 5) { nodes { type } } }';
      const { nodes } = (await api.ask(query, { id: taskId })).taskOutput;
      return nodes.some(({ type }: { type: string }) => type === 'STDOUT');
    });
    const made = await api.mutate('createCheckpoint', { taskId, message: 'kept' }, 'created');
    world.verdict.check(made.created, 'there was nothing to save');
  }
  await api.mutate('drainDaemon', { daemonId: id, draining: false }, '__typename');
  return tasks;
}
