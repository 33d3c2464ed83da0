import { setTimeout as delay } from 'node:timers/promises';
import type { Api, Subscription } from '../../test/support/api.ts';
import { openContract, spawn } from '../../test/support/daemon.ts';
import { numbered } from '../../test/support/running-task.ts';
import { SseSubscription } from '../../test/support/sse.ts';
import { insist } from '../harness/insist.ts';
import { BOTH, POSTGRESQL, type Scenario } from '../harness/scenario.ts';
import type { World } from '../harness/world.ts';

const OUT_WITHIN_MS = 10_000;
const SUBSCRIBERS = 20;
const WRITERS = 6;
const EVENTS = 'subscription($id: ID!) { contractEvents(contractId: $id, afterSequence: 0) { sequence } }';

/** The server is told to stop while everything is under way. */
export const sigterm: Scenario = {
  name: 'sigterm',
  number: '13',
  promise: 'SIGTERM under load: out within 10 s, sockets closed with 1001, nothing lost.',
  databases: BOTH,
  quick: POSTGRESQL,
  run: async (world) => {
    const server = await world.startServer();
    const api = world.api();
    const daemon = await world.handDaemon();
    const { contractId } = await openContract(api, {
      repositories: [{ localPath: world.repository, isPrimary: true }],
      startSupervisor: false,
    });
    const tasks: string[] = [];
    for (let each = 0; each < WRITERS; each += 1) {
      const taskId = await spawn(api, contractId);
      await daemon.start(taskId);
      tasks.push(taskId);
    }
    const over = new AbortController();
    const ledgers = tasks.map(() => [] as string[]);
    const writing = tasks.map((taskId, index) =>
      write(world, daemon.api.as(daemon.api.key), { taskId, contractId }, ledgers[index] ?? [], over.signal),
    );
    for (let round = world.size(10, 2); round > 0; round -= 1) {
      const subscribers = Array.from({ length: SUBSCRIBERS }, () =>
        api.subscribe(EVENTS, { id: contractId }),
      );
      const streams = Array.from({ length: 5 }, () => new SseSubscription(api, EVENTS, { id: contractId }));
      for (const each of [...subscribers, ...streams]) await each.count(1);
      const waiters = tasks.map((id) => wait(api, id));
      await delay(world.between(50, 800));
      const { code, tookMs } = await server.stop();
      world.verdict.ran();
      world.verdict.recovered('stopping', tookMs, OUT_WITHIN_MS);
      world.verdict.check(code === 0, `it ended with code ${code}`);
      await checkClosed(world, subscribers);
      for (const each of streams)
        world.verdict.check(each.done || each.ended !== undefined, 'a stream goes on');
      for (const told of await Promise.all(waiters))
        world.verdict.check(['SHUTTING_DOWN', 'cut'].includes(told), `who waited was told ${told}`);
      await server.start();
    }
    over.abort();
    await Promise.all(writing);
    await server.stop();

    for (const [index, taskId] of tasks.entries()) {
      const output = await world.outputOf(taskId);
      world.verdict.sameList(
        `output of ${taskId}`,
        ledgers[index] ?? [],
        output.map(({ content }) => content),
      );
    }
    await world.checkSequences();
    world.verdict.note(`${ledgers.flat().length} lines acknowledged`);
  },
};

async function checkClosed(world: World, subscribers: readonly Subscription[]): Promise<void> {
  const codes = await Promise.all(subscribers.map((each) => each.closeCode(2_000).catch(() => 'open')));
  const wrong = codes.filter((code) => code !== 1001);
  world.verdict.check(wrong.length === 0, `sockets were closed with ${[...new Set(wrong)]}`);
}

/** @returns what the waiting request was told in the end */
async function wait(api: Api, taskId: string): Promise<string> {
  const query = 'query($id: ID!) { waitForTask(taskId: $id, timeoutSeconds: 300) { status } }';
  const answer = await api.post(query, { id: taskId }).catch(() => null);
  if (answer === null) return 'cut';
  return answer.errors?.[0]?.extensions.code ?? JSON.stringify(answer.data);
}

/** Output and documents, one after the other, each until it is acknowledged. */
async function write(
  world: World,
  api: Api,
  { taskId, contractId }: { taskId: string; contractId: string },
  ledger: string[],
  signal: AbortSignal,
): Promise<void> {
  const owner = world.api();
  for (let batch = 0; !signal.aborted; batch += 1) {
    const contents = numbered(`batch ${batch} line`, 20);
    const entries = contents.map((content) => ({
      type: 'STDOUT',
      content,
      createdAt: new Date().toISOString(),
    }));
    await insist(
      api,
      'appendTaskOutput',
      { taskId, attempt: 1, firstIndex: ledger.length, entries },
      'nextIndex',
    );
    ledger.push(...contents);
    const document = {
      contractId,
      name: `of ${taskId}`,
      content: `${batch}`,
      requestId: `${taskId} ${batch}`,
    };
    if (batch % 5 === 0) await insist(owner, 'setDocument', document, '__typename');
    await delay(world.between(0, 20));
  }
}
