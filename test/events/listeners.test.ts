import { expect, test } from 'vitest';
import { tailsOf } from '../../src/events/tail.ts';
import { type Api, eventually, Subscription } from '../support/api.ts';
import { HandDaemon } from '../support/daemon.ts';
import { runningTask } from '../support/running-task.ts';
import { startTestServer } from '../support/server.ts';
import { SseSubscription } from '../support/sse.ts';

const { api, server } = await startTestServer();
const { doorbell } = server.runtime;
const tails = tailsOf(server.runtime);
const daemon = await HandDaemon.connect(api, { max: 100 });
const { contractId, taskId, supervisor } = await runningTask(api, daemon);
const idle = await HandDaemon.connect(api, { name: 'idle', agents: ['none'] });
const CLIENTS = 5;

const ofContract = (field: string) =>
  `subscription($contractId: ID!, $after: Int) { ${field}(contractId: $contractId, afterSequence: $after) { sequence } }`;
const quiet: { name: string; client: Api; query: string; variables: object }[] = [
  { name: 'contractEvents', client: api, query: ofContract('contractEvents'), variables: { contractId } },
  { name: 'contractOutput', client: api, query: ofContract('contractOutput'), variables: { contractId } },
  { name: 'taskCompleted', client: api, query: ofContract('taskCompleted'), variables: { contractId } },
  { name: 'taskUpdated', client: api, query: ofContract('taskUpdated'), variables: { contractId } },
  {
    name: 'taskOutput',
    client: api,
    query: 'subscription($taskId: ID!) { taskOutput(taskId: $taskId) { sequence } }',
    variables: { taskId },
  },
  { name: 'questionAsked', client: api, query: 'subscription { questionAsked { id } }', variables: {} },
  {
    name: 'questionAnswered',
    client: api,
    query: 'subscription($contractId: ID!) { questionAnswered(contractId: $contractId) { id } }',
    variables: { contractId },
  },
  {
    name: 'daemonCommands',
    client: idle.api,
    query:
      'subscription($daemonId: ID!, $epoch: Int!) { daemonCommands(daemonId: $daemonId, epoch: $epoch) { id } }',
    variables: { daemonId: idle.id, epoch: idle.epoch },
  },
];

/** All listeners of this instance once nothing is under way, so that what is left behind shows. */
async function settled(): Promise<number> {
  await eventually(() => tails.size === 0);
  return doorbell.listeners;
}

async function untilBack(before: number, what: string): Promise<void> {
  await eventually(() => doorbell.listeners <= before + tails.size).catch(() => {
    expect.fail(`${what} left ${doorbell.listeners - before - tails.size} listeners behind`);
  });
}

// The scheduler, the supervision, and each daemon's key and commands.
await eventually(() => doorbell.listeners === 6);
const before = await settled();

test.each(quiet)(
  '$name leaves no listener when its subscribers unsubscribe, are cut or abort on a quiet topic',
  async ({ name, client, query, variables }) => {
    // Over WebSocket one listener is the watch on the key; what listens to the log shares one by the tail.
    const shares = name.startsWith('contract') || name.startsWith('task');
    const own = shares ? 0 : 1;
    const leave = [
      ['unsubscribing', 1 + own],
      ['cut', 1 + own],
      ['aborting SSE', own],
    ] as const;
    for (const [how, each] of leave) {
      const clients = Array.from({ length: CLIENTS }, () =>
        how === 'aborting SSE'
          ? new SseSubscription(client, query, variables)
          : client.subscribe(query, variables),
      );
      await eventually(() => doorbell.listeners >= before + CLIENTS * each + (shares ? 1 : 0));
      for (const each of clients) {
        if (how === 'cut' && each instanceof Subscription) each.cut();
        else each.stop();
      }
      await untilBack(before, `${name}, ${how},`);
      for (const { received } of clients) expect(received).toEqual([]);
    }
  },
);

test('subscribers that leave before they were answered leave no listener', async () => {
  for (const { client, query, variables } of quiet) {
    for (let round = 0; round < 5; round += 1) {
      client.subscribe(query, variables).stop();
      new SseSubscription(client, query, variables).stop();
    }
  }
  await server.runtime.db.fork().execute('select 1');
  await untilBack(before, 'leaving at once');
});

test('a stream that is aborted in the very moment in which it begins leaves no listener', async () => {
  const { client, query, variables } = quiet.find(
    ({ name }) => name === 'daemonCommands',
  ) as (typeof quiet)[0];
  for (let round = 0; round < 100; round += 1) {
    const stream = new SseSubscription(client, query, variables);
    while (doorbell.listeners <= before + tails.size) await new Promise((resolve) => setImmediate(resolve));
    for (let turn = 0; turn < round % 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    stream.stop();
    await untilBack(before, `round ${round}`);
  }
});

test('waiting requests whose client goes away leave no listener, over HTTP and WebSocket', async () => {
  const asked = await supervisor.mutate(
    'askQuestion',
    { question: 'Well?', waitSeconds: 0 },
    'question { id }',
  );
  const questionId = asked.question.id;
  const waits: [name: string, client: Api, query: string, variables: object][] = [
    [
      'waitForTask',
      api,
      'query($taskId: ID!) { waitForTask(taskId: $taskId, timeoutSeconds: 600) { status } }',
      { taskId },
    ],
    [
      'waitForTasks',
      api,
      'query($taskId: ID!) { waitForTasks(taskIds: [$taskId], timeoutSeconds: 600) { status } }',
      { taskId },
    ],
    [
      'awaitAnswer',
      supervisor,
      'mutation($input: AwaitAnswerInput!) { awaitAnswer(input: $input) { outcome } }',
      { input: { questionId, timeoutSeconds: 600 } },
    ],
    [
      'askQuestion',
      supervisor,
      'mutation($input: AskQuestionInput!) { askQuestion(input: $input) { outcome } }',
      { input: { question: 'And?' } },
    ],
  ];
  for (const [name, client, query, variables] of waits) {
    const gone = new AbortController();
    const requests = Array.from({ length: CLIENTS }, () =>
      client.post(query, variables, gone.signal).catch((error: Error) => error.name),
    );
    await eventually(() => doorbell.listeners >= before + CLIENTS);
    gone.abort();
    expect(await Promise.all(requests), name).toEqual(Array(CLIENTS).fill('AbortError'));
    await untilBack(before, `${name} over HTTP`);

    const sockets = Array.from({ length: CLIENTS }, () => client.subscribe(query, variables));
    await eventually(() => doorbell.listeners >= before + 2 * CLIENTS);
    for (const socket of sockets) socket.cut();
    await untilBack(before, `${name} over WebSocket`);
  }
});

test('in the end the tails are closed and everything is as it was', async () => {
  expect(await settled()).toBe(before);
});
