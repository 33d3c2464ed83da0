import { expect, test } from 'vitest';
import { topics } from '../../src/platform/doorbell.ts';
import type { Answer } from '../support/api.ts';
import { eventually } from '../support/api.ts';
import { HandDaemon, readInbox, spawn, statusOf, untilStatus } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing } from '../support/snapshot.ts';
import { type Supervised, supervised } from './support.ts';

const { api, server } = await startTestServer();
const daemon = (await HandDaemon.connect(api, { max: 100 })).alive();

const spend = (taskId: string, costUsd: number, attempt = 1): Promise<Answer> => {
  const usage = { costUsd, tokens: 1 };
  const input = { taskId, attempt, firstIndex: 0, entries: [], usage };
  return daemon.api.mutate('appendTaskOutput', input, 'nextIndex');
};
const PENDING =
  'query($id: ID!) { pendingQuestions(contractId: $id) { id question choices phaseguard expiresAt } }';
const questionOf = (contractId: string): Promise<Answer> =>
  eventually(async () => (await api.ask(PENDING, { id: contractId })).pendingQuestions[0]);
const answer = (questionId: string, more: object) =>
  api.mutate('answerQuestion', { questionId, ...more }, 'question { status }');
const budgetOf = async (id: string) =>
  (await api.ask('query($id: ID!) { contract(id: $id) { budgetUsd costUsd } }', { id })).contract;

/** A supervisor with a budget of $2, used up. */
async function broke(): Promise<Supervised & { question: Answer }> {
  const world = await supervised(api, daemon, { budgetUsd: 2 });
  await spend(world.supervisorId, 2.5);
  await untilStatus(api, world.supervisorId, 'PAUSED');
  return { ...world, question: await questionOf(world.contractId) };
}

test('a supervisor that comes to run is looked at at once: its budget may have come to its end before', async () => {
  const heard: (string | null)[] = [];
  const stop = server.runtime.doorbell.onRing(topics.supervisions, (about) => void heard.push(about));
  const { contractId } = await supervised(api, daemon, {});
  stop();
  expect(heard).toContain(contractId);
});

test('below the budget nothing happens; with it used up the supervisor is PAUSED and the person is asked', async () => {
  const { contractId, supervisorId } = await supervised(api, daemon, { budgetUsd: 2 });
  await spend(supervisorId, 1.99);
  await server.supervision.sweepNow();
  expect(await statusOf(api, supervisorId)).toBe('RUNNING');
  await spend(supervisorId, 2);
  await untilStatus(api, supervisorId, 'PAUSED');
  await daemon.command('PAUSE_TASK', supervisorId);
  const question = await questionOf(contractId);
  expect(question).toMatchObject({ choices: ['Raise it to $4.00', 'Stop here'], expiresAt: null });
  expect(question.question).toContain('$2.00');
  await server.supervision.sweepNow();
  expect((await api.ask(PENDING, { id: contractId })).pendingQuestions).toHaveLength(1);
});

test('past it no task starts, and says why; what runs goes on', async () => {
  const { contractId, supervisorId } = await supervised(api, daemon, { budgetUsd: 2 });
  const runs = await spawn(api, contractId);
  await daemon.start(runs);
  await spend(runs, 3);
  await untilStatus(api, supervisorId, 'PAUSED');
  const waits = await spawn(api, contractId);
  await server.scheduler.sweepNow();
  const query = 'query($id: ID!) { task(id: $id) { status pendingReason } }';
  const { task } = await api.ask(query, { id: waits });
  expect(task).toEqual({ status: 'PENDING', pendingReason: expect.stringMatching(/budget.*used up/) });
  expect(await statusOf(api, runs)).toBe('RUNNING');
});

test('the choice that raises it raises it to what was offered: the supervisor goes on, tasks start', async () => {
  const { contractId, supervisorId, agent, question } = await broke();
  const waits = await spawn(api, contractId);
  await answer(question.id, { choices: [question.choices[0]] });
  await untilStatus(api, supervisorId, 'RUNNING');
  expect(await budgetOf(contractId)).toEqual({ budgetUsd: 4.5, costUsd: 2.5 });
  await daemon.command('SPAWN_TASK', waits);
  expect((await readInbox(agent))[0].content).toContain('Raise it to');
  // The next time it is used up it is asked again.
  await spend(supervisorId, 5);
  await untilStatus(api, supervisorId, 'PAUSED');
  expect((await questionOf(contractId)).choices[0]).toBe('Raise it to $9.50');
});

test.each([
  ['the other choice', { choices: ['Stop here'] }],
  ['a free text, whatever it says', { text: 'Raise it to $4.50' }],
])('%s raises nothing: the supervisor is held, also against messages', async (_, given) => {
  const { contractId, supervisorId, question } = await broke();
  await answer(question.id, given);
  await api.mutate('sendMessage', { taskId: supervisorId, content: 'go on' }, 'message { id }');
  await server.supervision.sweepNow();
  expect(await statusOf(api, supervisorId)).toBe('PAUSED');
  expect((await budgetOf(contractId)).budgetUsd).toBe(2);
  const resuming = { taskId: supervisorId };
  const refused = await changesNothing(server, () => api.mutationRefused('resumeTask', resuming));
  expect(refused.code).toBe('BUDGET_EXCEEDED');
});

test('updateContract raises it, or lifts it with 0: the question is withdrawn and work goes on', async () => {
  for (const budgetUsd of [10, 0]) {
    const { contractId, supervisorId } = await broke();
    await api.mutate('updateContract', { contractId, budgetUsd }, 'contract { id }');
    await untilStatus(api, supervisorId, 'RUNNING');
    await daemon.command('RESUME_TASK', supervisorId);
    expect((await api.ask(PENDING, { id: contractId })).pendingQuestions).toEqual([]);
    expect((await budgetOf(contractId)).budgetUsd).toBe(budgetUsd || null);
  }
});

test('a supervisor that waits is not woken past the budget, and hears of everything once it is raised', async () => {
  const { contractId, supervisorId, agent } = await supervised(api, daemon, { budgetUsd: 2 });
  const taskId = await spawn(api, contractId);
  await daemon.start(taskId);
  await daemon.report(supervisorId, 1, 'WAITING', { sessionId: 'session' });
  await spend(taskId, 9);
  await questionOf(contractId);
  await daemon.report(taskId, 1, 'DONE');
  await server.supervision.sweepNow();
  expect(await statusOf(api, supervisorId)).toBe('WAITING');
  await api.mutate('updateContract', { contractId, budgetUsd: 100 }, 'contract { id }');
  await untilStatus(api, supervisorId, 'RUNNING');
  expect((await readInbox(agent)).map(({ content }) => content)).toEqual([expect.stringContaining(taskId)]);
});

test('resuming the supervisor past the budget starts nothing, until it is raised', async () => {
  const { contractId, supervisorId } = await broke();
  const { task } = await api.mutate('resumeSupervisor', { contractId }, 'task { status pendingReason }');
  expect(task).toEqual({ status: 'PENDING', pendingReason: expect.stringMatching(/budget.*used up/) });
  await api.mutate('updateContract', { contractId, budgetUsd: 100 }, 'contract { id }');
  await daemon.command('SPAWN_TASK', supervisorId, 2);
});

test('raising the budget wakes only a supervisor that the budget held', async () => {
  const byPerson = await supervised(api, daemon, { budgetUsd: 2 });
  await api.mutate('pauseTask', { taskId: byPerson.supervisorId }, 'task { id }');
  const byGuard = await supervised(api, daemon, { budgetUsd: 2 });
  const guard = await byGuard.agent.mutate(
    'askQuestion',
    { question: 'On?', phaseguard: true },
    'question { id }',
  );
  for (const { contractId, supervisorId } of [byPerson, byGuard]) {
    await spend(supervisorId, 3);
    await eventually(async () =>
      (await api.ask(PENDING, { id: contractId })).pendingQuestions.some(({ question }: Answer) =>
        question.includes('budget'),
      ),
    );
    await api.mutate('updateContract', { contractId, budgetUsd: 100 }, 'contract { id }');
    await server.supervision.sweepNow();
    expect(await statusOf(api, supervisorId)).toBe('PAUSED');
  }
  await answer(guard.question.id, { text: 'on' });
  expect(await statusOf(api, byGuard.supervisorId)).toBe('RUNNING');
  await api.mutate('resumeTask', { taskId: byPerson.supervisorId }, 'task { id }');
  expect(await statusOf(api, byPerson.supervisorId)).toBe('RUNNING');
});

test.each(['answerQuestion', 'withdrawQuestion'])(
  'past the budget a phase guard that ends by %s does not wake; the budget that is raised does',
  async (end) => {
    const { contractId, supervisorId, agent } = await supervised(api, daemon, { budgetUsd: 2 });
    const input = { question: 'On?', phaseguard: true };
    const { question } = await agent.mutate('askQuestion', input, 'question { id }');
    await spend(supervisorId, 3);
    await eventually(async () => (await api.ask(PENDING, { id: contractId })).pendingQuestions.length === 2);
    const more = end === 'answerQuestion' ? { text: 'on' } : {};
    await api.mutate(end, { questionId: question.id, ...more }, 'question { id }');
    expect(await statusOf(api, supervisorId)).toBe('PAUSED');
    await api.mutate('updateContract', { contractId, budgetUsd: 100 }, 'contract { id }');
    await untilStatus(api, supervisorId, 'RUNNING');
  },
);

test('a budget that is none is refused', async () => {
  const { contractId } = await supervised(api, daemon);
  for (const budgetUsd of [-1, 1e9])
    expect(
      await changesNothing(server, () => api.mutationRefused('updateContract', { contractId, budgetUsd })),
    ).toMatchObject({ code: 'INVALID_INPUT', field: 'budgetUsd' });
});
