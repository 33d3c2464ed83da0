import { expect, test } from 'vitest';
import { HandDaemon, openContract, readInbox, statusOf } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';

const { api } = await startTestServer();
const daemon = await HandDaemon.connect(api);
const PAYLOAD = 'outcome response question { id status expiresAt phaseguard nonBlocking }';

async function supervisor() {
  const { contractId, supervisorId } = await openContract(api);
  const { agent } = await daemon.start(supervisorId);
  return { contractId, supervisorId, agent };
}

test('a question that does not block is PENDING at once, and its answer comes as one message', async () => {
  const { agent } = await supervisor();
  const asked = await agent.mutate('askQuestion', { question: 'Colour?', nonBlocking: true }, PAYLOAD);
  expect(asked).toMatchObject({ outcome: 'PENDING', response: null, question: { nonBlocking: true } });
  await api.mutate('answerQuestion', { questionId: asked.question.id, text: 'blue' }, 'question { id }');
  const messages = await readInbox(agent);
  expect(messages).toHaveLength(1);
  expect(messages[0]).toMatchObject({ sender: 'PERSON', content: expect.stringContaining('Answer: blue') });
  expect(messages[0].content).toContain(asked.question.id);
});

test('a phase guard pauses its asker, never times out, and the answer lets it go on with a message', async () => {
  const { agent, supervisorId } = await supervisor();
  const asked = await agent.mutate(
    'askQuestion',
    { question: 'Go on?', phaseguard: true, timeoutSeconds: 1 },
    PAYLOAD,
  );
  expect(asked).toMatchObject({ outcome: 'PENDING', question: { expiresAt: null, phaseguard: true } });
  expect(await statusOf(api, supervisorId)).toBe('PAUSED');
  await daemon.command('PAUSE_TASK', supervisorId);
  await api.mutate('answerQuestion', { questionId: asked.question.id, text: 'go' }, 'question { id }');
  expect(await statusOf(api, supervisorId)).toBe('RUNNING');
  await daemon.command('RESUME_TASK', supervisorId);
  const messages = await readInbox(agent);
  expect(messages).toMatchObject([{ content: expect.stringContaining('Answer: go') }]);
});

test('a question is either not blocking or a phase guard', async () => {
  const { agent, contractId } = await supervisor();
  const refused = await agent.mutationRefused('askQuestion', {
    question: 'x',
    nonBlocking: true,
    phaseguard: true,
  });
  expect(refused).toMatchObject({ code: 'INVALID_INPUT', field: 'phaseguard' });
  const { questions } = await api.ask('query($id: ID!) { questions(contractId: $id) { id } }', {
    id: contractId,
  });
  expect(questions).toEqual([]);
});

test('a question that is withdrawn closes; who waits for it is told, and a phase guard goes on', async () => {
  const { agent, supervisorId, contractId } = await supervisor();
  const asking = agent.post(
    'mutation($input: AskQuestionInput!) { askQuestion(input: $input) { outcome } }',
    { input: { question: 'Still?' } },
  );
  const [{ id }] = await api
    .subscribe('subscription($id: ID!) { questionAsked(contractId: $id) { id } }', { id: contractId })
    .count(1);
  await api.mutate('withdrawQuestion', { questionId: id }, 'question { status }');
  expect((await asking).errors?.[0].extensions.code).toBe('QUESTION_CLOSED');
  expect(await api.mutationRefused('answerQuestion', { questionId: id, text: 'late' })).toMatchObject({
    code: 'QUESTION_CLOSED',
  });
  expect(await api.mutationRefused('withdrawQuestion', { questionId: id })).toMatchObject({
    code: 'QUESTION_CLOSED',
  });

  const guard = await agent.mutate('askQuestion', { question: 'Hold?', phaseguard: true }, PAYLOAD);
  await api.mutate('withdrawQuestion', { questionId: guard.question.id }, 'question { id }');
  expect(await statusOf(api, supervisorId)).toBe('RUNNING');
  const { questions } = await api.ask(
    'query($id: ID!) { questions(contractId: $id, status: WITHDRAWN) { id } }',
    { id: contractId },
  );
  expect(questions).toEqual([{ id }, { id: guard.question.id }]);
});
