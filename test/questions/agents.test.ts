import { expect, test } from 'vitest';
import type { Answer } from '../support/api.ts';
import { HandDaemon, readInbox, spawn, statusOf } from '../support/daemon.ts';
import { runningTask } from '../support/running-task.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing } from '../support/snapshot.ts';

/** Questions that a daemon asks in the name of an agent it runs: a permission, an elicitation. */
const { api, server } = await startTestServer();
const daemon = await HandDaemon.connect(api, { max: 100 });
const world = await runningTask(api, daemon);
const { contractId } = world;

async function running(): Promise<string> {
  const taskId = await spawn(api, contractId);
  await daemon.start(taskId, 1, 'session');
  return taskId;
}
const ask = (taskId: string, more: object = {}, by = daemon): Promise<Answer> =>
  by.api.mutate(
    'askQuestion',
    { taskId, attempt: 1, question: 'May I run rm?', questionType: 'PERMISSION', waitSeconds: 0, ...more },
    'outcome response question { id task { id } questionType status }',
  );
const statusOfQuestion = async (id: string) =>
  (await api.ask('query($id: ID!) { node(id: $id) { ... on Question { status answeredBy } } }', { id })).node;

test('is the question of the task, waited for, answered and acknowledged by the daemon', async () => {
  const taskId = await running();
  const { question, outcome } = await ask(taskId, { choices: ['allow', 'deny'] });
  expect({ question, outcome }).toMatchObject({
    outcome: 'PENDING',
    question: { task: { id: taskId }, questionType: 'PERMISSION' },
  });
  const waiting = daemon.api.mutate(
    'awaitAnswer',
    { questionId: question.id, timeoutSeconds: 20 },
    'outcome response',
  );
  await api.mutate('answerQuestion', { questionId: question.id, choices: ['allow'] }, 'question { id }');
  expect(await waiting).toEqual({ outcome: 'ANSWERED', response: 'allow' });
  await daemon.api.mutate('acknowledgeAnswer', { questionId: question.id }, 'question { id }');
  expect(await statusOfQuestion(question.id)).toMatchObject({ status: 'ANSWERED', answeredBy: 'user:first' });
  // A permission is between the agent and the person: it is no word of the supervisor's.
  const query = 'query($id: ID!) { conversation(contractId: $id) { nodes { id } } }';
  expect((await api.ask(query, { id: contractId })).conversation.nodes).toEqual([]);
});

test.each([
  ['ends', (taskId: string) => daemon.report(taskId, 1, 'DONE')],
  ['is given back', (taskId: string) => daemon.report(taskId, 1, 'INTERRUPTED')],
  ['is paused', (taskId: string) => api.mutate('pauseTask', { taskId }, 'task { id }')],
])('is withdrawn when its attempt %s: nobody would take the answer', async (_, end) => {
  const taskId = await running();
  const { question } = await ask(taskId);
  await server.scheduler.sweepNow();
  expect((await statusOfQuestion(question.id)).status).toBe('PENDING');
  await end(taskId);
  await server.scheduler.sweepNow();
  expect((await statusOfQuestion(question.id)).status).toBe('WITHDRAWN');
});

test('can be taken back by its daemon, and no question of somebody else can be touched by it', async () => {
  const taskId = await running();
  const { question } = await ask(taskId);
  const other = await HandDaemon.connect(api, { name: 'other', agents: ['none'] });
  const own = await world.supervisor.mutate(
    'askQuestion',
    { question: '?', waitSeconds: 0 },
    'question { id }',
  );
  for (const [by, questionId] of [
    [other, question.id],
    [daemon, own.question.id],
  ] as const)
    for (const [name, input] of [
      ['awaitAnswer', { questionId, timeoutSeconds: 0 }],
      ['acknowledgeAnswer', { questionId }],
      ['withdrawQuestion', { questionId }],
    ] as const)
      expect((await changesNothing(server, () => by.api.mutationRefused(name, input))).code, name).toBe(
        'NOT_FOUND',
      );
  await daemon.api.mutate('withdrawQuestion', { questionId: question.id }, 'question { id }');
  expect((await statusOfQuestion(question.id)).status).toBe('WITHDRAWN');
});

test('an answer that the daemon does not acknowledge becomes a message to the agent', async () => {
  const taskId = await spawn(api, contractId);
  const { agent } = await daemon.start(taskId, 1, 'session');
  const { question } = await ask(taskId, { nonBlocking: true });
  await api.mutate('answerQuestion', { questionId: question.id, text: 'no' }, 'question { id }');
  expect((await readInbox(agent)).map(({ content }) => content)).toEqual([
    expect.stringContaining('Answer: no'),
  ]);
});

test('is refused for a task that is not its own, an attempt that is over, a guard, or without a task', async () => {
  const taskId = await running();
  const other = await HandDaemon.connect(api, { name: 'third', agents: ['none'] });
  const retried = await running();
  await daemon.report(retried, 1, 'INTERRUPTED');
  await daemon.start(retried, 2);
  const question = { question: '?', waitSeconds: 0 };
  const cases: [HandDaemon, object, object][] = [
    [other, { taskId, attempt: 1 }, { code: 'NOT_FOUND' }],
    [daemon, { taskId, attempt: 7 }, { code: 'NOT_FOUND' }],
    [daemon, { taskId: retried, attempt: 1 }, { code: 'STALE_ATTEMPT' }],
    [daemon, { taskId, attempt: 1, phaseguard: true }, { code: 'INVALID_INPUT', field: 'phaseguard' }],
    [daemon, { contractId }, { code: 'INVALID_INPUT', field: 'taskId' }],
    [daemon, { taskId }, { code: 'INVALID_INPUT', field: 'taskId' }],
  ];
  for (const [by, more, expected] of cases) {
    const input = { ...question, ...more };
    expect(
      await changesNothing(server, () => by.api.mutationRefused('askQuestion', input)),
      JSON.stringify(more),
    ).toMatchObject(expected);
  }
  const byUser = { ...question, contractId, taskId };
  expect(await api.mutationRefused('askQuestion', byUser)).toMatchObject({
    code: 'INVALID_INPUT',
    field: 'taskId',
  });
  expect(await statusOf(api, taskId)).toBe('RUNNING');
});
