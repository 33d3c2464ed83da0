import { describe, expect, test } from 'vitest';
import { createLogger } from '../../src/platform/logger.ts';
import { startServer } from '../../src/server/server.ts';
import { type Answer, Api, eventually } from '../support/api.ts';
import { TestClock } from '../support/clock.ts';
import { HandDaemon, openContract, readInbox } from '../support/daemon.ts';
import { moveClock, passTime } from '../support/passing-time.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing, countOf } from '../support/snapshot.ts';

const clock = new TestClock();
const { api, server, newOwner } = await startTestServer({ clock });
const daemon = await HandDaemon.connect(api);
const { contractId, supervisorId } = await openContract(api);
const { agent } = await daemon.start(supervisorId);

const RESULT = 'outcome response question { id status }';
const ask = (more: object = {}, signal?: AbortSignal): Promise<Answer> =>
  agent.mutate('askQuestion', { question: 'Which way?', ...more }, RESULT, signal);
const answer = (questionId: string, given: object): Promise<Answer> =>
  api.mutate(
    'answerQuestion',
    { questionId, ...given },
    'question { status response answerChoices answerText }',
  );
const awaitAnswer = (questionId: string, timeoutSeconds = 20): Promise<Answer> =>
  agent.mutate('awaitAnswer', { questionId, timeoutSeconds }, RESULT);
const inbox = async (): Promise<Answer[]> =>
  (await readInbox(agent)).map(({ sender, content }) => ({ sender, content }));

/** A question that nobody waits for. */
async function asked(more: object = {}): Promise<string> {
  const { outcome, question } = await ask({ waitSeconds: 0, ...more });
  expect(outcome).toBe('PENDING');
  return question.id;
}
const later = (milliseconds: number) => passTime(server, clock, milliseconds, daemon);

describe('answerQuestion', () => {
  test('of 30 answers at once one wins, the others get QUESTION_CLOSED', async () => {
    const id = await asked();
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        api.post(
          'mutation($input: AnswerQuestionInput!) { answerQuestion(input: $input) { question { response } } }',
          {
            input: { questionId: id, text: `answer ${index}` },
          },
        ),
      ),
    );
    const won = answers.filter(({ errors }) => !errors);
    expect(won).toHaveLength(1);
    const codes = answers.flatMap(({ errors }) => errors?.map((error) => error.extensions.code) ?? []);
    expect(codes).toEqual(Array(29).fill('QUESTION_CLOSED'));
    expect(await awaitAnswer(id)).toMatchObject({
      outcome: 'ANSWERED',
      response: won[0]?.data.answerQuestion.question.response,
    });
  });

  const REFUSED: [rule: string, question: object, given: object, code: string, field: string][] = [
    [
      'a choice that was not offered',
      { choices: ['yes', 'no'] },
      { choices: ['maybe'] },
      'INVALID_CHOICE',
      'choices',
    ],
    ['a choice where none was offered', {}, { choices: ['yes'] }, 'INVALID_CHOICE', 'choices'],
    [
      'two choices without multiSelect',
      { choices: ['yes', 'no'] },
      { choices: ['yes', 'no'] },
      'INVALID_CHOICE',
      'choices',
    ],
    [
      'one good and one unknown choice',
      { choices: ['a', 'b'], multiSelect: true },
      { choices: ['a', 'x'] },
      'INVALID_CHOICE',
      'choices',
    ],
    ['neither choice nor text', { choices: ['a'] }, {}, 'INVALID_INPUT', 'text'],
    ['no choice and a blank text', { choices: ['a'] }, { choices: [], text: ' \n' }, 'INVALID_INPUT', 'text'],
    ['a text with NUL', {}, { text: 'a\0' }, 'INVALID_INPUT', 'text'],
    ['a text over 100,000 characters', {}, { text: 'x'.repeat(100_001) }, 'INVALID_INPUT', 'text'],
  ];
  test.each(REFUSED)('refuses %s, and the question stays open', async (_, question, given, code, field) => {
    const questionId = await asked(question);
    const refused = await changesNothing(server, () =>
      api.mutationRefused('answerQuestion', { questionId, ...given }),
    );
    expect(refused).toMatchObject({ code, field });
    await answer(questionId, { text: 'after all' });
  });

  test.each([
    [
      { choices: ['yes', 'no'] },
      { choices: ['no'] },
      { response: 'no', answerChoices: ['no'], answerText: null },
    ],
    [
      { choices: ['a', 'b', 'c'], multiSelect: true },
      { choices: ['c', 'a'] },
      { response: 'c, a', answerChoices: ['c', 'a'], answerText: null },
    ],
    [
      { choices: ['yes', 'no'] },
      { text: ' something else ' },
      { response: 'something else', answerChoices: [], answerText: 'something else' },
    ],
    [
      { choices: ['yes', 'no'] },
      { choices: ['yes'], text: 'but slowly' },
      { response: 'but slowly', answerChoices: ['yes'], answerText: 'but slowly' },
    ],
  ])('takes what fits: %j with %j', async (question, given, expected) => {
    const { question: answered } = await answer(await asked(question), given);
    expect(answered).toEqual({ status: 'ANSWERED', ...expected });
  });

  test('of another owner is NOT_FOUND', async () => {
    const questionId = await asked();
    const other = await newOwner();
    const refused = await changesNothing(server, () =>
      other.mutationRefused('answerQuestion', { questionId, text: 'mine' }),
    );
    expect(refused.code).toBe('NOT_FOUND');
    await answer(questionId, { text: 'done' });
  });
});

describe('a question nobody answers', () => {
  test('is TIMED_OUT as data, also for those who wait, and takes no answer any more', async () => {
    const waiting = ask({ timeoutSeconds: 100 });
    const pending = await eventually(async () => {
      const { pendingQuestions } = await api.ask(
        `{ pendingQuestions(contractId: "${contractId}") { id timeoutSeconds } }`,
      );
      return pendingQuestions.find(({ timeoutSeconds }: Answer) => timeoutSeconds === 100);
    });
    await later(100_500);
    expect(await waiting).toEqual({
      outcome: 'TIMED_OUT',
      response: null,
      question: { id: pending.id, status: 'TIMED_OUT' },
    });
    const refused = await changesNothing(server, () =>
      api.mutationRefused('answerQuestion', { questionId: pending.id, text: 'late' }),
    );
    expect(refused.code).toBe('QUESTION_CLOSED');
    expect(await awaitAnswer(pending.id)).toMatchObject({ outcome: 'TIMED_OUT', response: null });
  });

  test('takes no answer once its time is up, though nobody has looked yet', async () => {
    const questionId = await asked({ timeoutSeconds: 100 });
    await moveClock(server, clock, 100_001, daemon);
    expect((await api.mutationRefused('answerQuestion', { questionId, text: 'late' })).code).toBe(
      'QUESTION_CLOSED',
    );
  });

  test('with keepOpen is answerable later, and the answer comes as a message', async () => {
    await inbox();
    const questionId = await asked({ timeoutSeconds: 100, keepOpen: true });
    await later(100_500);
    expect(await awaitAnswer(questionId)).toMatchObject({
      outcome: 'TIMED_OUT',
      question: { status: 'PENDING' },
    });
    await answer(questionId, { text: 'better late' });
    await later(10_500);
    expect(await inbox()).toEqual([
      { sender: 'PERSON', content: expect.stringContaining('Answer: better late') },
    ]);
  });
});

describe('an answer is never lost, and told once', () => {
  test('when the connection of its asker was cut, awaitAnswer returns it', async () => {
    const cut = new AbortController();
    const before = server.runtime.doorbell.listeners;
    const lost = ask({ question: 'Cut?' }, cut.signal).catch(() => 'cut');
    await eventually(() => server.runtime.doorbell.listeners > before);
    const { pendingQuestions } = await api.ask('{ pendingQuestions { id question } }');
    const { id } = pendingQuestions.find(({ question }: Answer) => question === 'Cut?');
    cut.abort();
    await answer(id, { text: 'here' });
    expect(await lost).toBe('cut');
    expect(await awaitAnswer(id)).toMatchObject({ outcome: 'ANSWERED', response: 'here' });
    await agent.mutate('acknowledgeAnswer', { questionId: id }, 'question { id }');
    await eventually(() => server.runtime.doorbell.listeners === before);
  });

  test('not acknowledged for 10 s it becomes one message with the question’s id and text', async () => {
    await later(20_000);
    await inbox();
    const waiting = ask({ question: 'Acknowledge?' });
    const id = (
      await eventually(async () =>
        (
          await api.ask('{ pendingQuestions { id question } }')
        ).pendingQuestions.find(({ question }: Answer) => question === 'Acknowledge?'),
      )
    ).id;
    await answer(id, { text: 'told' });
    expect(await waiting).toMatchObject({ outcome: 'ANSWERED', response: 'told' });
    await later(9_000);
    expect(await inbox()).toEqual([]);
    await later(1_500);
    await later(20_000);
    const messages = await inbox();
    expect(messages).toHaveLength(1);
    expect(messages[0].sender).toBe('PERSON');
    for (const part of [id, 'Acknowledge?', 'told']) expect(messages[0].content).toContain(part);
  });

  test('acknowledged it becomes none', async () => {
    const id = await asked();
    await answer(id, { text: 'told' });
    await agent.mutate('acknowledgeAnswer', { questionId: id }, 'question { id }');
    await later(60_000);
    expect(await inbox()).toEqual([]);
  });

  test('acknowledged late, its unread message is taken back', async () => {
    const id = await asked();
    await answer(id, { text: 'told' });
    await later(10_500);
    await agent.mutate('acknowledgeAnswer', { questionId: id }, 'question { id }');
    expect(await inbox()).toEqual([]);
  });
});

test('a question is an event and an entry of the supervisor’s output before anybody waits', async () => {
  const id = await asked({ question: 'Logged?', choices: ['yes'], context: 'c', questionType: 'PERMISSION' });
  const log = api.subscribe(
    `subscription { contractOutput(contractId: "${contractId}", afterSequence: 0) { type content toolInput attempt task { id } } }`,
  );
  const received = await log.until((all) => all.some(({ toolInput }) => toolInput?.questionId === id));
  log.stop();
  expect(received.at(-1)).toEqual({
    type: 'SUPERVISOR_QUESTION',
    content: 'Logged?',
    toolInput: {
      questionId: id,
      choices: ['yes'],
      context: 'c',
      multiSelect: false,
      questionType: 'PERMISSION',
    },
    attempt: 1,
    task: { id: supervisorId },
  });
  await answer(id, { text: 'yes' });
});

test('completing the contract withdraws what is open, and tells who waits', async () => {
  const { contractId: ending, supervisorId: asker } = await openContract(api);
  const { agent: theirs } = await daemon.start(asker);
  const waiting = theirs.mutationRefused('askQuestion', { question: 'Still there?' });
  const [question] = await eventually(async () => {
    const { pendingQuestions } = await api.ask(`{ pendingQuestions(contractId: "${ending}") { id } }`);
    return pendingQuestions.length > 0 && pendingQuestions;
  });
  await api.mutate('completeContract', { contractId: ending }, 'contract { id }');
  expect((await waiting).code).toBe('QUESTION_CLOSED');
  const refused = await changesNothing(server, () =>
    api.mutationRefused('answerQuestion', { questionId: question.id, text: 'x' }),
  );
  expect(refused.code).toBe('QUESTION_CLOSED');
});

test('a question outlives a restart of the server: it is pending and answerable afterwards', async () => {
  const first = await startTestServer();
  const { contractId: kept, supervisorId: asker } = await openContract(first.api);
  const hand = await HandDaemon.connect(first.api);
  const { toolKey } = await hand.start(asker);
  const asking = first.api
    .as(toolKey)
    .mutate('askQuestion', { question: 'Restart?' }, 'outcome')
    .catch(() => 'cut');
  await eventually(async () => (await countOf(first.server, 'question')) === 1);
  await hand.api.close();
  await first.server.close();
  await asking;

  const { databaseUrl, dataDir } = first.database;
  const config = {
    host: '127.0.0.1',
    port: 0,
    databaseUrl,
    dataDir,
    logLevel: 'warn' as const,
    production: false,
  };
  const again = await startServer(config, { logger: createLogger('error') });
  try {
    expect(again.firstKey).toBeNull();
    const owner = new Api(again.url, first.api.key);
    const { pendingQuestions } = await owner.ask(
      `{ pendingQuestions(contractId: "${kept}") { id question status } }`,
    );
    expect(pendingQuestions).toMatchObject([{ question: 'Restart?', status: 'PENDING' }]);
    const waiting = owner
      .as(toolKey)
      .mutate('awaitAnswer', { questionId: pendingQuestions[0].id }, 'outcome response');
    await owner.mutate(
      'answerQuestion',
      { questionId: pendingQuestions[0].id, text: 'welcome back' },
      'question { id }',
    );
    expect(await waiting).toEqual({ outcome: 'ANSWERED', response: 'welcome back' });
  } finally {
    await again.close();
  }
});
