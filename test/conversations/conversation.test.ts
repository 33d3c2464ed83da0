import { expect, test } from 'vitest';
import type { Answer } from '../support/api.ts';
import { HandDaemon, openContract, readInbox, spawn } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing } from '../support/snapshot.ts';

const { api, server } = await startTestServer();
const daemon = await HandDaemon.connect(api, { max: 100 });
const CONVERSATION = `query($id: ID!, $first: Int, $after: String, $all: Boolean) {
  conversation(contractId: $id, first: $first, after: $after, includeRemoved: $all) {
    nodes { id number role content attempt isPartial removedAt } pageInfo { hasNextPage endCursor } } }`;

async function conversation(contractId: string, more: object = {}): Promise<Answer[]> {
  return (await api.ask(CONVERSATION, { id: contractId, ...more })).conversation.nodes;
}
const texts = async (contractId: string) =>
  (await conversation(contractId)).map(({ role, content }) => `${role}: ${content}`);

test('what a supervisor is told and says is its conversation, in order, and nothing else of its output', async () => {
  const { contractId, supervisorId } = await openContract(api);
  await daemon.start(supervisorId, 1, 's1');
  const lines = [
    'USER: do it',
    'THOUGHT: hm',
    'ASSISTANT: I will',
    'TOOL_CALL: ls',
    'STDERR: x',
    'ASSISTANT: done',
  ];
  await daemon.say(supervisorId, 1, 0, lines);
  expect(await texts(contractId)).toEqual(['USER: do it', 'ASSISTANT: I will', 'ASSISTANT: done']);
  const page = (await api.ask(CONVERSATION, { id: contractId, first: 2 })).conversation;
  expect(page.pageInfo.hasNextPage).toBe(true);
  const rest = await conversation(contractId, { after: page.pageInfo.endCursor });
  expect(rest.map(({ content }) => content)).toEqual(['done']);
});

test('a batch that is sent again, whole or in part, adds no message twice', async () => {
  const { contractId, supervisorId } = await openContract(api);
  await daemon.start(supervisorId, 1, 's1');
  await daemon.say(supervisorId, 1, 0, ['USER: a', 'ASSISTANT: b']);
  await changesNothing(server, () => daemon.say(supervisorId, 1, 0, ['USER: a', 'ASSISTANT: b']));
  await daemon.say(supervisorId, 1, 1, ['ASSISTANT: b', 'ASSISTANT: c']);
  expect(await texts(contractId)).toEqual(['USER: a', 'ASSISTANT: b', 'ASSISTANT: c']);
});

test('chunks of one message are one message, also over several batches, and partial until the last', async () => {
  const { contractId, supervisorId } = await openContract(api);
  await daemon.start(supervisorId, 1, 's1');
  const chunk = (firstIndex: number, contents: string[], isPartial: boolean) => {
    const createdAt = new Date().toISOString();
    const entries = contents.map((content) => ({
      type: 'ASSISTANT',
      content,
      isPartial,
      messageId: 'm1',
      createdAt,
    }));
    const input = { taskId: supervisorId, attempt: 1, firstIndex, entries };
    return daemon.api.mutate('appendTaskOutput', input, 'nextIndex');
  };
  await chunk(0, ['Hel', 'lo'], true);
  expect(await conversation(contractId)).toMatchObject([{ content: 'Hello', isPartial: true }]);
  await chunk(2, [', you\0\ud800'], false);
  expect(await conversation(contractId)).toMatchObject([
    { number: 1, content: 'Hello, you\uFFFD\uFFFD', isPartial: false },
  ]);
});

test('a question and the answer that its asker acknowledged are part of the conversation; each once', async () => {
  const { contractId, supervisorId } = await openContract(api);
  const { agent } = await daemon.start(supervisorId);
  const asked = { question: 'Which?', choices: ['a', 'b'], waitSeconds: 0 };
  const { question } = await agent.mutate('askQuestion', asked, 'question { id }');
  await api.mutate('answerQuestion', { questionId: question.id, choices: ['b'] }, 'question { id }');
  for (let n = 0; n < 2; n += 1)
    await agent.mutate('acknowledgeAnswer', { questionId: question.id }, 'question { id }');
  expect(await texts(contractId)).toEqual([
    'ASSISTANT: I asked the person: Which? [a | b]',
    'USER: Answer to your question "Which?": b',
  ]);
});

test('messages that a command acknowledges are part of its conversation', async () => {
  const { contractId, supervisorId } = await openContract(api);
  const { agent } = await daemon.start(supervisorId);
  for (const content of ['one', 'two'])
    await api.mutate('sendMessage', { taskId: supervisorId, content }, 'message { id }');
  expect(await texts(contractId)).toEqual([]);
  await readInbox(agent);
  expect(await texts(contractId)).toEqual(['USER: one', 'USER: two']);
});

test('a work task has a conversation of its own, which is not that of the supervisor', async () => {
  const { contractId, supervisorId } = await openContract(api);
  await daemon.start(supervisorId, 1, 's1');
  const taskId = await spawn(api, contractId);
  await daemon.start(taskId, 1, 's2');
  await daemon.say(taskId, 1, 0, ['USER: work', 'ASSISTANT: working']);
  expect(await texts(contractId)).toEqual([]);
  await daemon.report(taskId, 1, 'INTERRUPTED', { outputCount: 2 });
  const { payload } = await daemon.command('SPAWN_TASK', taskId, 2);
  expect(payload.conversation).toEqual([
    { role: 'USER', content: 'work' },
    { role: 'ASSISTANT', content: 'working' },
  ]);
  expect(payload.session).toEqual({ id: 's2' });
  expect(payload.recovery).toMatch(/as you left it/);
});

test('a session belongs to its daemon: on another machine the agent is told the conversation in a new one', async () => {
  const { contractId, supervisorId } = await openContract(api, { agent: 'moves' });
  const one = await HandDaemon.connect(api, { name: 'm1', agents: ['moves'] });
  const { worktreeId } = await one.start(supervisorId, 1, 's1');
  await one.say(supervisorId, 1, 0, ['USER: go', 'ASSISTANT: going']);
  await one.save(supervisorId, 1, worktreeId);
  const two = await HandDaemon.connect(api, { name: 'm2', agents: ['moves'] });
  await one.api.mutate('disconnectDaemon', { epoch: one.epoch }, 'daemon { id }');
  const { payload } = await two.command('SPAWN_TASK', supervisorId, 2);
  expect(payload).toMatchObject({ session: null, conversation: [{ content: 'go' }, { content: 'going' }] });
  expect(payload.recovery).toMatch(/checkpoint 1/);
  expect(await texts(contractId)).toHaveLength(2);
});

test('what an attempt that is over still says is in the log, and not in the conversation', async () => {
  const { contractId, supervisorId } = await openContract(api);
  await daemon.start(supervisorId, 1, 's1');
  await daemon.say(supervisorId, 1, 0, ['ASSISTANT: first']);
  await daemon.report(supervisorId, 1, 'INTERRUPTED', { outputCount: 1 });
  await daemon.start(supervisorId, 2, 's1');
  expect((await daemon.say(supervisorId, 1, 1, ['ASSISTANT: late'])).stale).toBe(true);
  expect(await texts(contractId)).toEqual(['ASSISTANT: first']);
});

test('of a conversation that is too long for a command its end is told', async () => {
  const { supervisorId } = await openContract(api);
  await daemon.start(supervisorId, 1, 's1');
  await daemon.say(supervisorId, 1, 0, [`ASSISTANT: ${'x'.repeat(150_000)}`, `USER: ${'y'.repeat(150_000)}`]);
  await daemon.report(supervisorId, 1, 'INTERRUPTED', { outputCount: 2 });
  const { payload } = await daemon.command('SPAWN_TASK', supervisorId, 2);
  expect(payload.conversation.map(({ role, content }: Answer) => [role, content.length])).toEqual([
    ['SYSTEM', expect.any(Number)],
    ['USER', 150_000],
  ]);
});

test('usage is counted once for the attempt, the task and the contract, whatever is sent again or late', async () => {
  const { contractId, supervisorId } = await openContract(api);
  await daemon.start(supervisorId, 1, 's1');
  const use = (attempt: number, costUsd: number, tokens: number) => {
    const input = { taskId: supervisorId, attempt, firstIndex: 0, entries: [], usage: { costUsd, tokens } };
    return daemon.api.mutate('appendTaskOutput', input, 'nextIndex');
  };
  await use(1, 0.5, 1_000);
  await use(1, 0.5, 1_000);
  await use(1, 0.75, 3_000_000_000 / 2);
  await use(1, 0.6, 1_200);
  await daemon.report(supervisorId, 1, 'INTERRUPTED');
  await daemon.start(supervisorId, 2, 's1');
  await use(2, 0.25, 500);
  const { contract, task } = await api.ask(
    'query($c: ID!, $t: ID!) { contract(id: $c) { costUsd tokens } task(id: $t) { costUsd tokens } }',
    { c: contractId, t: supervisorId },
  );
  const total = { costUsd: 1, tokens: 1_500_000_500 };
  expect({ contract, task }).toEqual({ contract: total, task: total });
  const bad = {
    taskId: supervisorId,
    attempt: 2,
    firstIndex: 0,
    entries: [],
    usage: { costUsd: -1, tokens: 0 },
  };
  expect(
    await changesNothing(server, () => daemon.api.mutationRefused('appendTaskOutput', bad)),
  ).toMatchObject({
    code: 'INVALID_INPUT',
    field: 'usage.costUsd',
  });
});
