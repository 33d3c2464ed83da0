import { expect, test } from 'vitest';
import { type Id, toUuid } from '../../src/platform/ids.ts';
import { type Answer, type Api, eventually } from '../support/api.ts';
import { HandDaemon, openContract } from '../support/daemon.ts';
import { embedded } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { rowsOf } from '../support/snapshot.ts';

const { api, server } = await startTestServer({ logLevel: 'silent' });
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

test('questions that cannot be closed, however many, keep no other from its end', async () => {
  const [one, other] = [await openContract(api), await openContract(api)];
  const ask = async ({ contractId }: { contractId: string }) =>
    (
      await api.mutate(
        'askQuestion',
        { contractId, question: 'q', nonBlocking: true, timeoutSeconds: 1 },
        'question { id }',
      )
    ).question.id;
  const id = toUuid(one.contractId as Id);
  await rowsOf(
    server,
    `create function refuse() returns trigger language plpgsql as $$ begin
       if new.contract_id = '${id}' and new.type = 'QUESTION_CLOSED' then raise exception 'refused by the test'; end if; return new; end $$`,
  );
  await rowsOf(
    server,
    'create trigger refuse before insert on contract_event for each row execute function refuse()',
  );
  // More than are looked at in one go.
  const [refused] = await Promise.all(Array.from({ length: 101 }, () => ask(one)));
  const closed = await ask(other);
  const status = async (contract: { contractId: string }, questionId: string) => {
    const query = 'query($id: ID!) { questions(contractId: $id) { id status } }';
    const { questions } = await api.ask(query, { id: contract.contractId });
    return questions.find((question: Answer) => question.id === questionId).status;
  };
  const isOver = (contract: { contractId: string }, questionId: string) => async () => {
    await server.scheduler.sweepNow();
    return (await status(contract, questionId)) === 'TIMED_OUT';
  };
  await eventually(isOver(other, closed));
  expect(await status(one, refused)).toBe('PENDING');
  await rowsOf(server, 'drop trigger refuse on contract_event');
  await eventually(isOver(one, refused));
});
