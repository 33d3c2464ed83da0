import type { Answer } from '../../test/support/api.ts';
import { insist } from '../harness/insist.ts';
import { BOTH, POSTGRESQL, type Scenario } from '../harness/scenario.ts';
import type { World } from '../harness/world.ts';

const TIMES = 100;
/** So many of them one after the other, when the first have been answered. */
const LATE = 10;

/** The same create call again and again, most of them at once, through every instance that there is. */
export const oneRequestId: Scenario = {
  name: 'one-request-id',
  number: '10',
  promise: 'The same create call 100 times with one id, for each of 4 calls: one row, 100 equal replies.',
  databases: BOTH,
  quick: POSTGRESQL,
  run: async (world) => {
    const servers = [await world.startServer()];
    if (world.kind === 'postgresql') servers.push(await world.startServer());
    const urls = servers.map(({ url }) => url);
    // Offered by no daemon: the tasks stay where they are.
    const made = { name: 'Made', agent: 'nobody' };
    const repositories = [{ localPath: world.repository, isPrimary: true }];
    const opened = { name: 'First', agent: 'nobody', supervisorPlan: 'supervise', repositories };
    const { contract, supervisor } = await world
      .api()
      .mutate('createContract', opened, 'contract { id } supervisor { id }');
    const contractId = contract.id;
    const rounds = world.size(5, 1);
    for (let round = 0; round < rounds; round += 1) {
      const repeat = (name: string, input: object, selection: string) =>
        repeatedly(world, urls, name, { ...input, requestId: `${name} ${round}` }, selection);
      await repeat('createContract', { ...opened, ...made }, 'contract { id } supervisor { id }');
      await repeat('spawnTask', { contractId, ...made, plan: 'work' }, 'task { id }');
      await repeat('askQuestion', { contractId, question: 'Made', nonBlocking: true }, 'question { id }');
      await repeat('sendMessage', { taskId: supervisor.id, content: 'Made' }, 'message { id }');
    }
    for (const server of servers) await server.stop();

    for (const [table, column] of TABLES) {
      const rows = await world.database.query(`select 1 from ${table} where ${column} = 'Made'`);
      world.verdict.lost += Math.max(0, rounds - rows.length);
      world.verdict.doubled += Math.max(0, rows.length - rounds);
      world.verdict.check(rows.length === rounds, `${rows.length} rows of ${table}, not ${rounds}`);
    }
    await world.checkSequences();
  },
};

const TABLES = [
  ['contract', 'name'],
  ['task', 'name'],
  ['question', 'question'],
  ['task_message', 'content'],
] as const;

async function repeatedly(
  world: World,
  urls: readonly string[],
  name: string,
  input: object,
  selection: string,
): Promise<void> {
  const replies: string[] = [];
  const call = async (number: number) => {
    const payload: Answer = await insist(world.api(urls[number % urls.length]), name, input, selection);
    replies.push(JSON.stringify(payload));
  };
  await Promise.all(Array.from({ length: TIMES - LATE }, (_, number) => call(number)));
  for (let number = 0; number < LATE; number += 1) await call(number);
  world.verdict.ran(replies.length);
  const different = new Set(replies).size;
  world.verdict.check(different === 1, `${name} was answered in ${different} ways`);
}
