import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, eventually } from '../../test/support/api.ts';
import { HandDaemon } from '../../test/support/daemon.ts';
import { insist } from '../harness/insist.ts';
import { POSTGRESQL, type Scenario } from '../harness/scenario.ts';
import type { World } from '../harness/world.ts';

const CALLERS = 10;

/** Many daemons, half of them at each of two instances, want the same tasks. */
export const race: Scenario = {
  name: 'race',
  number: '6',
  promise: '50 daemons race for 1,000 tasks over 2 server instances: each started once.',
  databases: POSTGRESQL,
  quick: POSTGRESQL,
  run: async (world) => {
    const servers = [await world.startServer(), await world.startServer()];
    const apis = servers.map(({ url }) => world.api(url));
    const at = (number: number) => apis[number % apis.length] ?? world.api();
    const tasks = world.size(1_000, 100);
    const starts: string[] = [];
    const daemons = await Promise.all(
      Array.from({ length: world.size(50, 10) }, async (_, number) => {
        // Few at once, so that there is always a task without a daemon, and so a race at every one that ends.
        const options = { name: `daemon ${number}`, max: 2, localPaths: [world.directory] };
        return (await HandDaemon.connect(at(number), options)).alive();
      }),
    );
    const over = Promise.withResolvers<void>();
    for (const daemon of daemons) work(world, daemon, starts, over.promise);
    const contractId = await world.contract();
    const ids: string[] = [];
    const spawning = Array.from({ length: CALLERS }, async (_, caller) => {
      for (let number = caller; number < tasks; number += CALLERS) {
        const input = {
          contractId,
          name: `Task ${number}`,
          plan: 'work',
          agent: 'shell',
          useOwnWorktree: true,
        };
        const once = { ...input, requestId: `task ${number}` };
        ids.push((await insist(at(number), 'spawnTask', once, 'task { id }')).task.id);
      }
    });
    await Promise.all(spawning);
    world.verdict.ran(tasks);
    const open = "select 1 from task where status <> 'DONE' limit 1";
    await eventually(async () => (await world.database.query(open)).length === 0, 900_000);
    over.resolve();
    for (const server of servers) await server.stop();

    world.verdict.sameSet('tasks that were started', ids, starts);
    const stored = await world.database.query<{
      id: string;
      attempt: number;
      commands: number;
      ends: number;
    }>(`
      select t.id, t.attempt,
        (select count(*)::int from command c where c.task_id = t.id and c.type = 'SPAWN_TASK') as commands,
        (select count(*)::int from contract_event e where e.task_id = t.id and e.type = 'TASK_COMPLETED') as ends
      from task t`);
    const again = stored.filter(({ attempt, commands }) => attempt !== 1 || commands !== 1);
    world.verdict.check(again.length === 0, `${again.length} tasks were claimed more than once`);
    const wrong = stored.filter(({ ends }) => ends !== 1);
    world.verdict.check(wrong.length === 0, `${wrong.length} tasks were not completed once`);
    await world.checkSequences();
    world.verdict.note(`${daemons.length} daemons`);
  },
};

/** Takes on each command, and is done with it. */
function work(world: World, daemon: HandDaemon, starts: string[], over: Promise<void>): void {
  const take = async (command: Answer) => {
    const { api, epoch } = daemon;
    const taskId = command.task.id;
    const { toolKey } = await insist(api, 'acceptCommand', { commandId: command.id, epoch }, 'toolKey');
    if (toolKey) starts.push(taskId);
    const report = { taskId, attempt: command.attempt, outputCount: 0 };
    const { id, branch } = command.payload.worktree;
    const worktree = { id, branch, path: `/copies/${id}`, baseBranch: 'main', baseSha: '1'.repeat(40) };
    await insist(api, 'reportTask', { ...report, status: 'RUNNING', worktree }, '__typename');
    await insist(api, 'completeCommand', { commandId: command.id, epoch, result: {} }, '__typename');
    // For so long its place is taken, and the next task goes to somebody else.
    await delay(world.between(0, 500));
    await insist(api, 'reportTask', { ...report, status: 'DONE' }, '__typename');
  };
  const listen = async () => {
    for (let next = 0; ; next += 1) {
      const more = daemon.commands.until((received) => received.length > next, 1_800_000);
      const received = await Promise.race([more, over]);
      if (!received) return void more.catch(() => undefined);
      take(received[next]).catch((error: unknown) => world.verdict.check(false, String(error)));
    }
  };
  listen().catch((error: unknown) =>
    world.verdict.check(false, `a daemon was cut: ${String(error).slice(0, 200)}`),
  );
}
