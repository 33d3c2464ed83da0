import { z } from 'zod';
import {
  AcknowledgeAnswerDocument,
  AskQuestionDocument,
  AwaitAnswerDocument,
  McpQuestionsDocument,
  type QuestionOutcome,
  WithdrawQuestionDocument,
} from '../../client/generated/graphql.ts';
import type { Call } from '../call.ts';
import { NoAnswerError } from '../failures.ts';
import { type Outcome, SUPERVISION, tool } from '../tool.ts';

const QUESTION_ID = z.string().describe('The id of the question, question_….');

/** What became of a question that was asked. */
interface Asked {
  readonly outcome: QuestionOutcome;
  readonly response?: string | null | undefined;
  readonly question: { readonly id: string };
}

export const askQuestion = tool({
  name: 'ask_question',
  title: 'Ask the person',
  description:
    'Asks the person who owns the contract, and waits for the answer. One call waits for less than a minute: outcome PENDING means that nobody has answered yet; go on waiting with await_answer, do not ask again. TIMED_OUT is not a yes. Ask when a decision is theirs; do not ask what you can find out.',
  roles: SUPERVISION,
  effect: 'changes',
  isOfContract: true,
  input: z.object({
    question: z.string().describe('The question, so that it can be answered without knowing your work.'),
    choices: z
      .array(z.string())
      .max(50)
      .optional()
      .describe('Answers to offer. The person may always answer in words of their own.'),
    context: z.string().optional().describe('What one should know to answer.'),
    multiSelect: z.boolean().default(false).describe('true: several choices may be taken.'),
    questionType: z
      .enum(['GENERAL', 'PERMISSION', 'PHASE_CONFIRMATION', 'CONTRACT_COMPLETE'])
      .default('GENERAL')
      .describe(
        'What it is about: anything, leave to do something, the next phase, the end of the contract.',
      ),
    timeoutSeconds: z
      .int()
      .min(1)
      .max(86_400)
      .default(3_600)
      .describe('How long it can be answered. A person may be away.'),
    nonBlocking: z.boolean().default(false).describe('true: go on at once; the answer comes as a message.'),
    phaseguard: z
      .boolean()
      .default(false)
      .describe(
        'true: you are paused until there is an answer, however long that takes. Not with nonBlocking.',
      ),
    keepOpen: z
      .boolean()
      .default(false)
      .describe('true: it can still be answered after its time; a late answer comes as a message.'),
  }),
  async run({ choices, ...input }, call) {
    const { contractId, requestId } = call;
    const doesWait = !input.nonBlocking && !input.phaseguard;
    // The time to wait is part of the request: the same again has to say the same.
    const waitSeconds = doesWait ? Math.min(call.maxWaitSeconds, input.timeoutSeconds) : 0;
    const { askQuestion } = await call.ask(AskQuestionDocument, {
      input: { ...input, choices: choices ?? [], contractId, waitSeconds, requestId },
    });
    if (input.phaseguard)
      return later(askQuestion, 'You are being paused now: end your turn. The answer wakes you.');
    if (input.nonBlocking) return later(askQuestion, 'Go on: the answer comes as a message.');
    return answered(call, askQuestion);
  },
});

export const awaitAnswer = tool({
  name: 'await_answer',
  title: 'Wait for the answer to a question',
  description:
    'Waits on for the answer to a question that ask_question returned as PENDING. One call waits for less than a minute; PENDING again means: call it again.',
  roles: SUPERVISION,
  effect: 'reads',
  input: z.object({ questionId: QUESTION_ID }),
  async run({ questionId }, call) {
    try {
      const { awaitAnswer } = await call.ask(AwaitAnswerDocument, () => ({
        input: { questionId, timeoutSeconds: call.secondsLeft() },
      }));
      return answered(call, awaitAnswer);
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      return answered(call, { outcome: 'PENDING', question: { id: questionId } });
    }
  },
});

function answered(call: Call, { outcome, response, question }: Asked): Outcome {
  const data = { outcome, questionId: question.id, answer: response, hint: HINTS[outcome] };
  if (outcome !== 'ANSWERED') return { data };
  // An answer that was acknowledged and then lost on its way would be lost for good; the other way it comes twice.
  const input = { questionId: question.id };
  return { data, onDelivered: () => call.afterwards(AcknowledgeAnswerDocument, { input }) };
}

const HINTS: Readonly<Record<QuestionOutcome, string | null>> = {
  ANSWERED: null,
  PENDING:
    'Nobody has answered yet. Call await_answer with this questionId to wait on, or do something else meanwhile.',
  TIMED_OUT: 'Nobody answered in time. That is not a yes: do what is safe without an answer, or ask later.',
};

function later({ outcome, question }: Asked, hint: string): Outcome {
  return { data: { outcome, questionId: question.id, hint } };
}

export const withdrawQuestion = tool({
  name: 'withdraw_question',
  title: 'Take a question back',
  description: 'Takes back a question whose answer is not needed any more.',
  roles: SUPERVISION,
  effect: 'changes',
  input: z.object({ questionId: QUESTION_ID }),
  async run({ questionId }, call) {
    const input = { questionId, requestId: call.requestId };
    const { withdrawQuestion } = await call.ask(WithdrawQuestionDocument, { input });
    return { data: { questionId, status: withdrawQuestion.question.status } };
  },
});

const STATUSES = ['PENDING', 'ANSWERED', 'TIMED_OUT', 'WITHDRAWN'] as const;

export const listQuestions = tool({
  name: 'list_questions',
  title: 'List the questions of the contract',
  description: 'Lists what was asked in this contract, with the answers.',
  roles: SUPERVISION,
  effect: 'reads',
  isOfContract: true,
  input: z.object({ status: z.enum(STATUSES).optional().describe('Only those; left out: all.') }),
  async run({ status }, call) {
    const { questions } = await call.ask(McpQuestionsDocument, { contractId: call.contractId, status });
    return {
      data: {
        questions: questions.map(({ id, task, response, ...about }) => ({
          questionId: id,
          ...about,
          answer: response,
          askedBy: task.name,
        })),
      },
    };
  },
});
