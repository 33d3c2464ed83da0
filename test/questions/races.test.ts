import { expect, test } from 'vitest';
import { type Answer, type Api, eventually } from '../support/api.ts';
import { HandDaemon, openContract } from '../support/daemon.ts';
import { embedded } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';

const { api, server } = await startTestServer();
const ROUNDS = 12;

const ask = (by: Api, more: object = {}) =>
  by.post('mutation($input: AskQuestionInput!) { askQuestion(input: $input) { question { id } } }', {
    input: { question: 'Which?', waitSeconds: 0, ...more },
  });
const answer = (questionId: string) =>
  api.post('mutation($input: AnswerQuestionInput!) { answerQuestion(input: $input) { question { id } } }', {
    input: { questionId, text: 'this' },
  });
const codesOf = (answers: readonly Answer[]) =>
  answers.flatMap(({ errors }) => errors?.map((error: Answer) => error.extensions.code) ?? []);

// Transactions overlap on PostgreSQL only.
test.skipIf(embedded)(
  'a supervisor that asks while earlier questions of it are answered never stands in the way of the answer',
  async () => {
    const daemon = (await HandDaemon.connect(api)).alive();
    const { contractId, supervisorId } = await openContract(api);
    const { agent } = await daemon.start(supervisorId);
    const { listeners } = server.runtime.doorbell;
    const places = api.subscribe('subscription($id: ID) { questionAnswered(contractId: $id) { id } }', {
      id: contractId,
    });
    await eventually(() => server.runtime.doorbell.listeners > listeners);
    let open = (await ask(agent)).data.askQuestion.question.id;
    const asked = [open];
    for (let round = 0; round < ROUNDS; round += 1) {
      const answers = await Promise.all([
        ask(agent),
        answer(open),
        // The person too may ask in its name.
        ask(api, { contractId, nonBlocking: true }),
      ]);
      expect(codesOf(answers)).toEqual([]);
      open = answers[0].data.askQuestion.question.id;
      asked.push(open);
    }
    // Each answer has its place, in the order of the answers.
    const seen = await places.until((all) => all.length === ROUNDS);
    expect(seen.map(({ id }) => id)).toEqual(asked.slice(0, ROUNDS));
  },
);
