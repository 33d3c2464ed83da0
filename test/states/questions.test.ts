import { expect, test } from 'vitest';
import { QUESTION_STATUSES, type QuestionStatus } from '../../src/questions/question.states.ts';
import type { Answer, Api } from '../support/api.ts';
import { TestClock } from '../support/clock.ts';
import { HandDaemon, openContract } from '../support/daemon.ts';
import { passTime } from '../support/passing-time.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing } from '../support/snapshot.ts';

const clock = new TestClock();
const { api, server } = await startTestServer({ clock });
const daemon = await HandDaemon.connect(api);

interface Asked {
  readonly contractId: string;
  readonly questionId: string;
  readonly agent: Api;
}
const pass = (milliseconds: number) => passTime(server, clock, milliseconds, daemon);

/** How a question comes into each state. */
const INTO: Record<QuestionStatus, (of: Asked) => Promise<unknown>> = {
  PENDING: async () => undefined,
  ANSWERED: ({ questionId }) =>
    api.mutate('answerQuestion', { questionId, text: 'first' }, 'question { id }'),
  TIMED_OUT: () => pass(60_001),
  WITHDRAWN: ({ questionId, agent }) => agent.mutate('withdrawQuestion', { questionId }, 'question { id }'),
};
async function asked(status: QuestionStatus): Promise<Asked> {
  const { contractId, supervisorId } = await openContract(api);
  const { agent } = await daemon.start(supervisorId);
  const input = { question: '?', timeoutSeconds: 60, waitSeconds: 0 };
  const { question } = await agent.mutate('askQuestion', input, 'question { id }');
  const of = { contractId, questionId: question.id, agent };
  await INTO[status](of);
  return of;
}
async function statusNow(id: string): Promise<string> {
  return (await api.ask('query($id: ID!) { node(id: $id) { ... on Question { status } } }', { id })).node
    .status;
}

type Outcome = QuestionStatus | 'same' | 'QUESTION_CLOSED';
interface Action {
  readonly call: (of: Asked) => Promise<Answer>;
  /** The refusal it gives, when it is one. */
  readonly refused?: (of: Asked) => Promise<{ code: string }>;
  readonly row: Record<QuestionStatus, Outcome>;
}
const CLOSED = {
  ANSWERED: 'QUESTION_CLOSED',
  TIMED_OUT: 'QUESTION_CLOSED',
  WITHDRAWN: 'QUESTION_CLOSED',
} as const;
const SAME = { ANSWERED: 'same', TIMED_OUT: 'same', WITHDRAWN: 'same' } as const;

const ACTIONS: Record<string, Action> = {
  answerQuestion: {
    call: ({ questionId }) => api.mutate('answerQuestion', { questionId, text: 'x' }, 'question { id }'),
    refused: ({ questionId }) => api.mutationRefused('answerQuestion', { questionId, text: 'x' }),
    row: { PENDING: 'ANSWERED', ...CLOSED },
  },
  withdrawQuestion: {
    call: ({ questionId }) => api.mutate('withdrawQuestion', { questionId }, 'question { id }'),
    refused: ({ questionId }) => api.mutationRefused('withdrawQuestion', { questionId }),
    row: { PENDING: 'WITHDRAWN', ...CLOSED },
  },
  'the end of its time': { call: () => pass(60_001), row: { PENDING: 'TIMED_OUT', ...SAME } },
  'the completion of its contract': {
    call: ({ contractId }) => api.mutate('completeContract', { contractId }, 'contract { id }'),
    row: { PENDING: 'WITHDRAWN', ...SAME },
  },
  acknowledgeAnswer: {
    call: ({ questionId, agent }) => agent.mutate('acknowledgeAnswer', { questionId }, 'question { id }'),
    row: { PENDING: 'same', ...SAME },
  },
};
const cells = Object.entries(ACTIONS).flatMap(([name, { row }]) =>
  QUESTION_STATUSES.map((status) => [name, status, row[status]] as const),
);
test.each(cells)('%s of a question that is %s: %s', async (name, status, expected) => {
  const of = await asked(status);
  const { call, refused } = ACTIONS[name] as Action;
  if (expected === 'QUESTION_CLOSED') {
    const refusal = await changesNothing(server, () => (refused as NonNullable<typeof refused>)(of));
    expect(refusal.code).toBe('QUESTION_CLOSED');
  } else {
    await call(of);
  }
  const next = expected === 'same' || expected === 'QUESTION_CLOSED' ? status : expected;
  expect(await statusNow(of.questionId)).toBe(next);
});

test.each([
  ['PENDING', 'PENDING'],
  ['ANSWERED', 'ANSWERED'],
  ['TIMED_OUT', 'TIMED_OUT'],
  ['WITHDRAWN', 'QUESTION_CLOSED'],
] as const)('awaitAnswer of a question that is %s gives %s', async (status, expected) => {
  const { questionId, agent } = await asked(status);
  const input = { questionId, timeoutSeconds: 0 };
  if (expected === 'QUESTION_CLOSED')
    expect((await agent.mutationRefused('awaitAnswer', input)).code).toBe(expected);
  else expect((await agent.mutate('awaitAnswer', input, 'outcome')).outcome).toBe(expected);
});
