import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../test/support/api.ts';
import { isSocket } from '../harness/faulty-proxy.ts';
import { insist } from '../harness/insist.ts';
import { BOTH, POSTGRESQL, type Scenario } from '../harness/scenario.ts';
import type { Server } from '../harness/server.ts';
import { branchCount, type Supervised, superviseOn } from '../harness/supervise.ts';
import type { World } from '../harness/world.ts';

/** The server dies when a command is written and has not reached its daemon. */
export const commandNotPushed: Scenario = {
  name: 'command-not-pushed',
  number: '11',
  promise: 'Server killed between writing a command and pushing it, 50 times: delivered, and executed once.',
  databases: BOTH,
  quick: POSTGRESQL,
  run: async (world) => {
    const server = await world.startServer();
    const proxy = await world.proxy(server.url);
    let isHeld = false;
    proxy.onReply = (_bytes, link) => (isHeld && isSocket(link) ? 'swallow' : 'pass');
    await world.startDaemon('machine', { serverUrl: proxy.url, maxTasks: 20 });
    const supervisor = await superviseOn(world);
    const rounds = world.size(50, 3);
    for (let round = 0; round < rounds; round += 1) {
      isHeld = true;
      const command = KINDS[round % KINDS.length] as Kind;
      const done = command(world, supervisor, round);
      done.catch(() => undefined);
      await written(world, server, supervisor.contractId, round);
      await server.kill();
      proxy.cut();
      isHeld = false;
      world.verdict.ran();
      const killedAt = performance.now();
      await server.start();
      await done;
      world.verdict.recovered('executing the command', performance.now() - killedAt, 60_000);
    }
    await server.stop();
    await checkOnce(world, rounds);
  },
};

/** Asks for something that only a daemon can do. Resolves when it was done; sent again as it is when there is no answer. */
type Kind = (world: World, supervisor: Supervised, round: number) => Promise<unknown>;

const KINDS: readonly Kind[] = [
  async (world, { contractId }, round) => {
    const file = join(world.directory, `started-${round}`);
    const input = { contractId, name: `round ${round}`, agent: 'shell', useOwnWorktree: true };
    const plan = `echo "$TASKMESH_RUN_ID" >> '${file}'`;
    const { task } = await insist(
      world.api(),
      'spawnTask',
      { ...input, plan, requestId: `spawn ${round}` },
      'task { id }',
    );
    await world.untilTask(task.id, 'DONE');
  },
  (world, { contractId }, round) =>
    insist(
      world.api(),
      'createBranch',
      { contractId, branchName: `round-${round}`, requestId: `branch ${round}` },
      'branchName',
      { timeoutMs: 70_000 },
    ),
  async (world, { id, path }, round) => {
    appendFileSync(join(path, 'work.txt'), `round ${round}\n`);
    const input = { taskId: id, message: `round ${round}`, requestId: `checkpoint ${round}` };
    await insist(world.api(), 'createCheckpoint', input, 'created', { timeoutMs: 70_000 });
  },
];

/** Waits until the command is in the database: PostgreSQL can be asked, and what a task is doing says it too. */
async function written(world: World, server: Server, contractId: string, round: number): Promise<void> {
  if (world.kind === 'embedded') {
    if (round % KINDS.length !== 0) return delay(200);
    await eventually(async () => {
      const query = 'query($id: ID!) { tasks(contractId: $id, first: 100) { nodes { name status } } }';
      const { nodes } = (await world.api(server.url).ask(query, { id: contractId })).tasks;
      return nodes.some(
        ({ name, status }: Record<string, string>) => name === `round ${round}` && status === 'STARTING',
      );
    });
    return;
  }
  await eventually(async () => {
    const open = await world.database.query("select 1 from command where status = 'PENDING'");
    return open.length > 0;
  });
}

async function checkOnce(world: World, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const kind = round % KINDS.length;
    const count =
      kind === 0
        ? startsIn(join(world.directory, `started-${round}`))
        : kind === 1
          ? branchCount(world.repository, `round-${round}`)
          : await checkpointCount(world, `round ${round}`);
    world.verdict.lost += count === 0 ? 1 : 0;
    world.verdict.doubled += Math.max(0, count - 1);
    world.verdict.check(count === 1, `the command of round ${round} was executed ${count} times`);
  }
  const open = await world.database.query(
    "select 1 from command where status in ('PENDING', 'ACCEPTED') and type <> 'SPAWN_TASK'",
  );
  world.verdict.check(open.length === 0, `${open.length} commands were never answered`);
  await world.checkSequences();
}

function startsIn(file: string): number {
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0;
}

export async function checkpointCount(world: World, message: string): Promise<number> {
  return (await world.database.query(`select 1 from checkpoint where message = '${message}'`)).length;
}
