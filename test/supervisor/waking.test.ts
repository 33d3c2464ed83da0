import { expect, test } from 'vitest';
import type { Answer } from '../support/api.ts';
import { TestClock } from '../support/clock.ts';
import { HandDaemon, openContract, readInbox, spawn, statusOf, untilStatus } from '../support/daemon.ts';
import { passTime } from '../support/passing-time.ts';
import { startTestServer } from '../support/server.ts';

const clock = new TestClock();
const { api, server } = await startTestServer({ clock });
const daemon = (await HandDaemon.connect(api, { max: 100 })).alive();

interface Waiting {
  readonly contractId: string;
  readonly supervisorId: string;
  readonly agent: typeof api;
}

/** A supervisor whose turn has ended. */
async function waiting(more: object = {}, by = daemon): Promise<Waiting> {
  const { contractId, supervisorId } = await openContract(api, more);
  const { agent } = await by.start(supervisorId, 1, 'session');
  return { contractId, supervisorId, agent };
}
async function endTurn(supervisorId: string, by = daemon): Promise<void> {
  await by.report(supervisorId, 1, 'WAITING', { sessionId: 'session' });
}
const inboxOf = async (agent: typeof api) =>
  (await readInbox(agent)).map(({ sender, content }) => [sender, content]);

test('a turn that ended leaves the supervisor WAITING, with its key; a message wakes it on its daemon', async () => {
  const { supervisorId, agent } = await waiting();
  await endTurn(supervisorId);
  expect(await statusOf(api, supervisorId)).toBe('WAITING');
  await api.mutate('sendMessage', { taskId: supervisorId, content: 'go on' }, 'message { id }');
  expect(await statusOf(api, supervisorId)).toBe('RUNNING');
  const { payload } = await daemon.command('RESUME_TASK', supervisorId);
  expect(payload).toEqual({ taskId: supervisorId, attempt: 1 });
  expect(await inboxOf(agent)).toEqual([['PERSON', 'go on']]);
});

test('the message that comes while the turn ends wakes it at once', async () => {
  const { supervisorId } = await waiting();
  await api.mutate('sendMessage', { taskId: supervisorId, content: 'wait' }, 'message { id }');
  await daemon.command('SEND_MESSAGE', supervisorId);
  await endTurn(supervisorId);
  expect(await statusOf(api, supervisorId)).toBe('RUNNING');
  await daemon.command('RESUME_TASK', supervisorId);
});

test('a completion wakes a waiting supervisor with what came of the task; several are told together', async () => {
  const { contractId, supervisorId, agent } = await waiting();
  const ids = [await spawn(api, contractId, { name: 'one' }), await spawn(api, contractId, { name: 'two' })];
  for (const id of ids) await daemon.start(id);
  await endTurn(supervisorId);
  await daemon.report(String(ids[0]), 1, 'DONE', { outputSummary: 'all well' });
  await untilStatus(api, supervisorId, 'RUNNING');
  expect(await inboxOf(agent)).toEqual([['SYSTEM', `Task "one" (${ids[0]}) is DONE.\nall well`]]);
  await daemon.report(String(ids[1]), 1, 'FAILED', { errorMessage: 'no luck' });
  await server.supervision.sweepNow();
  // It runs: it is told when its turn has ended.
  expect(await inboxOf(agent)).toEqual([]);
  await endTurn(supervisorId);
  await untilStatus(api, supervisorId, 'RUNNING');
  expect(await inboxOf(agent)).toEqual([['SYSTEM', `Task "two" (${ids[1]}) is FAILED.\nno luck`]]);
});

test('what the supervisor heard by waiting is not told again; a retried task is news again', async () => {
  const { contractId, supervisorId, agent } = await waiting();
  const taskId = await spawn(api, contractId);
  await daemon.start(taskId);
  await daemon.report(taskId, 1, 'FAILED', { errorMessage: 'x' });
  // The owner's waiting tells the supervisor nothing.
  const query = 'query($id: ID!) { waitForTask(taskId: $id, timeoutSeconds: 1) { completed } }';
  await agent.ask(query, { id: taskId });
  await endTurn(supervisorId);
  await server.supervision.sweepNow();
  expect(await statusOf(api, supervisorId)).toBe('WAITING');
  await api.mutate('retryTask', { taskId }, 'task { id }');
  await daemon.start(taskId, 2);
  await api.ask(query, { id: taskId });
  await daemon.report(taskId, 2, 'DONE');
  await api.ask(query, { id: taskId });
  await untilStatus(api, supervisorId, 'RUNNING');
  expect(await inboxOf(agent)).toEqual([['SYSTEM', `Task "Task" (${taskId}) is DONE.`]]);
});

test('the silence of a task wakes a waiting supervisor, and is told to one that runs', async () => {
  const { contractId, supervisorId, agent } = await waiting();
  const taskId = await spawn(api, contractId);
  await daemon.start(taskId);
  await endTurn(supervisorId);
  await passTime(server, clock, 11 * 60_000, daemon);
  await untilStatus(api, supervisorId, 'RUNNING');
  const [[sender, text] = []] = await inboxOf(agent);
  expect([sender, text]).toEqual(['SYSTEM', expect.stringMatching(`${taskId}.*silent for 10 minutes`)]);
});

test('a late answer to a question that did not block wakes a waiting supervisor', async () => {
  const { supervisorId, agent } = await waiting();
  const { question } = await agent.mutate(
    'askQuestion',
    { question: 'Blue?', nonBlocking: true },
    'question { id }',
  );
  await endTurn(supervisorId);
  await api.mutate('answerQuestion', { questionId: question.id, text: 'green' }, 'question { id }');
  expect(await statusOf(api, supervisorId)).toBe('RUNNING');
  const [[, text] = []] = await inboxOf(agent);
  expect(text).toContain(question.id);
  expect(text).toContain('Answer: green');
});

test('with its daemon gone a message makes it PENDING, and it is started on another with what was said', async () => {
  const own = await HandDaemon.connect(api, { name: 'leaves', agents: ['leaver'] });
  const { supervisorId } = await waiting({ agent: 'leaver' }, own);
  await endTurn(supervisorId, own);
  await own.api.mutate('disconnectDaemon', { epoch: own.epoch }, 'daemon { id }');
  // It holds no agent: it survives the loss.
  expect(await statusOf(api, supervisorId)).toBe('WAITING');
  await api.mutate('sendMessage', { taskId: supervisorId, content: 'still there?' }, 'message { id }');
  expect(await statusOf(api, supervisorId)).toBe('PENDING');
  const other = await HandDaemon.connect(api, { name: 'takes over', agents: ['leaver'] });
  const { agent } = await other.start(supervisorId, 2, 'another');
  expect(await inboxOf(agent)).toEqual([['PERSON', 'still there?']]);
});

test('a daemon that has nothing to wake any more lets it be started anew', async () => {
  const { supervisorId } = await waiting();
  await endTurn(supervisorId);
  await api.mutate('sendMessage', { taskId: supervisorId, content: 'hello' }, 'message { id }');
  const resume = await daemon.command('RESUME_TASK', supervisorId);
  await daemon.accept(resume);
  await daemon.fail(resume, 'NOT_RUNNING', 'No agent runs.');
  const { payload } = await daemon.command('SPAWN_TASK', supervisorId, 2);
  expect(payload.session).toEqual({ id: 'session' });
});

test('a paused supervisor is woken by a person, not by what happens to its tasks', async () => {
  const { contractId, supervisorId } = await waiting();
  const taskId = await spawn(api, contractId);
  await daemon.start(taskId);
  await api.mutate('pauseTask', { taskId: supervisorId }, 'task { status }');
  await daemon.report(taskId, 1, 'DONE');
  await server.supervision.sweepNow();
  expect(await statusOf(api, supervisorId)).toBe('PAUSED');
  await api.mutate('sendMessage', { taskId: supervisorId, content: 'go' }, 'message { id }');
  expect(await statusOf(api, supervisorId)).toBe('RUNNING');
});

test('a phase guard holds although another question is answered; its own answer wakes, also on another daemon', async () => {
  const own = await HandDaemon.connect(api, { name: 'guarded', agents: ['guard'] });
  const { supervisorId, agent } = await waiting({ agent: 'guard' }, own);
  const ask = (more: object) =>
    agent.mutate('askQuestion', { question: '?', ...more }, 'question { id } outcome');
  const side = await ask({ nonBlocking: true });
  const guard = await ask({ phaseguard: true, questionType: 'PHASE_CONFIRMATION' });
  expect(guard.outcome).toBe('PENDING');
  expect(await statusOf(api, supervisorId)).toBe('PAUSED');
  await api.mutate('answerQuestion', { questionId: side.question.id, text: 'x' }, 'question { id }');
  expect(await statusOf(api, supervisorId)).toBe('PAUSED');
  await own.api.mutate('disconnectDaemon', { epoch: own.epoch }, 'daemon { id }');
  // Weeks later.
  clock.advance(30 * 24 * 3_600_000);
  await server.scheduler.sweepNow();
  await daemon.register();
  await api.mutate('answerQuestion', { questionId: guard.question.id, text: 'yes' }, 'question { id }');
  expect(await statusOf(api, supervisorId)).toBe('PENDING');
  const other = await HandDaemon.connect(api, { name: 'weeks later', agents: ['guard'] });
  const started = await other.start(supervisorId, 2, 'later');
  const told = (await readInbox(started.agent)).map(({ content }: Answer) => content);
  expect(told).toEqual([expect.stringContaining('Answer: x'), expect.stringContaining('Answer: yes')]);
});

test('a message to a command does not wake it: it reads its inbox by itself', async () => {
  const { contractId, supervisorId } = await openContract(api);
  const { agent } = await daemon.start(supervisorId);
  await api.mutate('pauseTask', { taskId: supervisorId }, 'task { status }');
  await api.mutate('sendMessage', { taskId: supervisorId, content: 'x' }, 'message { id }');
  expect(await statusOf(api, supervisorId)).toBe('PAUSED');
  expect(await inboxOf(agent)).toEqual([['PERSON', 'x']]);
  expect(
    daemon.commands.received.some(({ type, task }) => type === 'SEND_MESSAGE' && task.id === supervisorId),
  ).toBe(false);
  expect(contractId).toBeTruthy();
});

test('a contract that is completed ends a waiting supervisor, and its messages wake nobody', async () => {
  const { contractId, supervisorId } = await waiting();
  await endTurn(supervisorId);
  await api.mutate('completeContract', { contractId }, 'contract { status }');
  expect(await statusOf(api, supervisorId)).toBe('DONE');
  const late = { taskId: supervisorId, content: 'late' };
  expect(await api.mutationRefused('sendMessage', late)).toMatchObject({ code: 'INVALID_TRANSITION' });
});

test('a turn that ends after its contract was completed is the end of the supervisor', async () => {
  const { contractId, supervisorId } = await waiting();
  await api.mutate('completeContract', { contractId }, 'contract { status }');
  await endTurn(supervisorId);
  expect(await statusOf(api, supervisorId)).toBe('DONE');
});

test('an answer to a supervisor that has failed is told to its next attempt', async () => {
  const { contractId, supervisorId, agent } = await waiting();
  const input = { question: 'Which?', nonBlocking: true };
  const { question } = await agent.mutate('askQuestion', input, 'question { id }');
  await daemon.report(supervisorId, 1, 'FAILED');
  await api.mutate('answerQuestion', { questionId: question.id, text: 'this' }, 'question { id }');
  await api.mutate('resumeSupervisor', { contractId }, 'status');
  const next = await daemon.start(supervisorId, 2, 'session');
  expect(await inboxOf(next.agent)).toEqual([['PERSON', expect.stringContaining('Answer: this')]]);
});
