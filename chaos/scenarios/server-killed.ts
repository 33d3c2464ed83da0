import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../test/support/api.ts';
import { insist } from '../harness/insist.ts';
import { BOTH, POSTGRESQL, type Scenario } from '../harness/scenario.ts';
import { giveCue, linesOf, speech } from '../harness/speech.ts';
import type { World } from '../harness/world.ts';

const DAEMONS = 4;

/** The server dies again and again while daemons send output and a person writes. */
export const serverKilled: Scenario = {
  name: 'server-killed',
  number: '1',
  promise:
    'Server killed 20 times while 4 daemons send 10,000 lines each: nothing lost, doubled or reordered.',
  databases: BOTH,
  quick: POSTGRESQL,
  run: async (world) => {
    const kills = world.size(20, 2);
    const linesEach = world.size(500, 300);
    const server = await world.startServer();
    for (let each = 0; each < DAEMONS; each += 1) await world.startDaemon(`daemon-${each}`, { maxTasks: 1 });
    const contractId = await world.contract();
    const plan = speech(world.directory, { parts: kills, linesEach });
    const tasks: string[] = [];
    for (let each = 0; each < DAEMONS; each += 1) tasks.push(await world.spawn(contractId, plan));
    for (const task of tasks) await world.untilTask(task, 'RUNNING');

    // Nobody offers its agent, so that it stays there to be written to.
    const listener = await world.spawn(contractId, 'listen', { agent: 'nobody' });
    const writing = new AbortController();
    const messages: string[] = [];
    const written = write(world, listener, messages, writing.signal);
    for (let kill = 0; kill < kills; kill += 1) {
      giveCue(world.directory, kill);
      // Now as soon as it is there, now in the middle of its work.
      const known = messages.length;
      if (world.random() < 0.7) await eventually(() => messages.length > known + 2, 30_000);
      await delay(world.between(50, 700));
      await server.kill();
      world.verdict.ran();
      const tookMs = await server.start();
      world.verdict.recovered('a start after a kill', tookMs, 30_000);
    }
    for (const task of tasks) await world.untilTask(task, 'DONE', 120_000);
    writing.abort();
    await written;
    await server.stop();

    const expected = linesOf(kills * linesEach);
    for (const task of tasks) {
      const output = await world.outputOf(task);
      world.verdict.sameList(
        `output of ${task}`,
        expected,
        output.filter(({ type }) => type === 'STDOUT').map(({ content }) => content),
      );
      world.verdict.check(
        output.every(({ attempt }) => attempt === 1),
        `${task} was started again`,
      );
    }
    const stored = await world.database.query<{ content: string }>(
      'select content from task_message order by number',
    );
    world.verdict.sameList(
      'messages that were acknowledged',
      messages,
      stored.map(({ content }) => content),
    );
    await world.checkSequences();
    world.verdict.note(`${tasks.length * expected.length} lines, ${messages.length} messages`);
  },
};

/** A person writes one message after the other, each until it is acknowledged, and keeps a ledger of those that were. */
async function write(world: World, taskId: string, ledger: string[], signal: AbortSignal): Promise<void> {
  const api = world.api();
  for (let number = 0; !signal.aborted; number += 1) {
    const content = `message ${number}`;
    await insist(api, 'sendMessage', { taskId, content, requestId: content }, 'message { id }', {
      withinMs: 600_000,
    });
    ledger.push(content);
    await delay(5);
  }
}
