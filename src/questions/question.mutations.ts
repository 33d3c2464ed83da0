import { builder } from '../graphql/builder.ts';
import { REQUEST_ID } from '../graphql/request-id.ts';
import { answerQuestion, withdrawQuestion } from './answer-question.ts';
import { askQuestion } from './ask-question.ts';
import type { Question } from './question.entity.ts';
import { QuestionObject, QuestionTypeType } from './question.schema.ts';
import { type AnswerResult, acknowledgeAnswer, awaitAnswer } from './question.service.ts';

const QuestionOutcomeType = builder.enumType('QuestionOutcome', {
  description: 'What waiting for an answer came to.',
  values: {
    ANSWERED: { description: 'There is an answer: acknowledge it.' },
    TIMED_OUT: { description: 'The time of the question is up. That is not consent.' },
    PENDING: { description: 'No answer yet: awaitAnswer waits on.' },
  },
});

function answerPayload(name: string, description: string) {
  return builder.objectRef<AnswerResult>(name).implement({
    description,
    fields: (t) => ({
      question: t.field({
        type: QuestionObject,
        description: 'The question.',
        resolve: ({ question }) => question,
      }),
      response: t.string({
        nullable: true,
        description: 'The answer: the text, else the choices joined by ", "; null without one.',
        resolve: ({ question, outcome }) => (outcome === 'ANSWERED' ? (question.response ?? null) : null),
      }),
      outcome: t.field({
        type: QuestionOutcomeType,
        description: 'What the waiting came to.',
        resolve: ({ outcome }) => outcome,
      }),
    }),
  });
}
function questionPayload(name: string, description: string) {
  return builder.objectRef<Question>(name).implement({
    description,
    fields: (t) => ({
      question: t.field({
        type: QuestionObject,
        description: 'The question.',
        resolve: (question) => question,
      }),
    }),
  });
}

const AskQuestionInput = builder.inputType('AskQuestionInput', {
  description: 'What to ask.',
  fields: (t) => ({
    contractId: t.id({ description: "The contract; a supervisor's key implies its own." }),
    taskId: t.id({ description: 'For daemons: the task in whose name is asked.' }),
    attempt: t.int({ description: 'For daemons: its attempt; the question ends with it.' }),
    question: t.string({ required: true, description: 'The question.' }),
    choices: t.stringList({
      defaultValue: [],
      description: 'Answers to offer, at most 50; a free text is always allowed too.',
    }),
    context: t.string({ description: 'What one should know to answer.' }),
    timeoutSeconds: t.int({ defaultValue: 3_600, description: 'How long the question lives, 1 to 86,400.' }),
    multiSelect: t.boolean({ defaultValue: false, description: 'Whether several choices may be taken.' }),
    questionType: t.field({
      type: QuestionTypeType,
      defaultValue: 'GENERAL',
      description: 'What it is about.',
    }),
    keepOpen: t.boolean({
      defaultValue: false,
      description: 'Whether it can still be answered after its time; the answer comes as a message.',
    }),
    nonBlocking: t.boolean({
      defaultValue: false,
      description: 'PENDING at once; the answer comes as a message.',
    }),
    phaseguard: t.boolean({
      defaultValue: false,
      description:
        'PENDING at once, and the asker is paused until the answer, which never times out. Not with nonBlocking.',
    }),
    waitSeconds: t.int({
      description:
        'How long this call waits, 0 to 86,400; else as long as the question lives. Behind a proxy wait in slices of 50 s.',
    }),
    requestId: t.string({ description: REQUEST_ID }),
  }),
});
const AwaitAnswerInput = builder.inputType('AwaitAnswerInput', {
  description: 'Which answer to wait for.',
  fields: (t) => ({
    questionId: t.id({ required: true, description: 'The question.' }),
    timeoutSeconds: t.int({ defaultValue: 50, description: 'How long this call waits, 0 to 86,400.' }),
  }),
});
const AcknowledgeAnswerInput = builder.inputType('AcknowledgeAnswerInput', {
  description: 'Which answer has arrived.',
  fields: (t) => ({ questionId: t.id({ required: true, description: 'The question.' }) }),
});
const WithdrawQuestionInput = builder.inputType('WithdrawQuestionInput', {
  description: 'Which question to take back.',
  fields: (t) => ({
    questionId: t.id({ required: true, description: 'The question.' }),
    requestId: t.string({ description: REQUEST_ID }),
  }),
});
const AnswerQuestionInput = builder.inputType('AnswerQuestionInput', {
  description: 'An answer: choices, a text, or both.',
  fields: (t) => ({
    questionId: t.id({ required: true, description: 'The question.' }),
    choices: t.stringList({ description: 'Choices among those offered; one, unless multiSelect.' }),
    text: t.string({ description: 'A free text.' }),
    requestId: t.string({ description: REQUEST_ID }),
  }),
});

builder.mutationFields((t) => ({
  withdrawQuestion: t.field({
    type: questionPayload('WithdrawQuestionPayload', 'The question, taken back.'),
    description:
      'Takes a question back; who waits for it is told. For the supervisor, the owner, and the daemon that asked it.',
    args: { input: t.arg({ type: WithdrawQuestionInput, required: true, description: 'Which question.' }) },
    resolve: (_, { input }, context) => withdrawQuestion(context.operation(), input),
  }),
  askQuestion: t.field({
    type: answerPayload('AskQuestionPayload', 'What came of asking.'),
    description:
      'Asks the person and waits for the answer. The question outlives this call: awaitAnswer takes the waiting up again. For the supervisor, the owner in its name, and a daemon in the name of an agent that it runs.',
    args: { input: t.arg({ type: AskQuestionInput, required: true, description: 'The question.' }) },
    resolve: (_, { input }, context) => askQuestion(context.operation(), input),
  }),
  awaitAnswer: t.field({
    type: answerPayload('AwaitAnswerPayload', 'What came of waiting.'),
    description:
      'Waits on for the answer to a question. For the supervisor, the owner, and the daemon that asked it.',
    args: { input: t.arg({ type: AwaitAnswerInput, required: true, description: 'Which question.' }) },
    resolve: (_, { input }, context) => awaitAnswer(context.operation(), input),
  }),
  acknowledgeAnswer: t.field({
    type: questionPayload('AcknowledgeAnswerPayload', 'The question.'),
    description:
      'Says that the answer has arrived. Without it within 10 s the answer is also sent as a message. For the supervisor, the owner, and the daemon that asked it.',
    args: { input: t.arg({ type: AcknowledgeAnswerInput, required: true, description: 'Which question.' }) },
    resolve: (_, { input }, context) => acknowledgeAnswer(context.operation(), input),
  }),
  answerQuestion: t.field({
    type: questionPayload('AnswerQuestionPayload', 'The question, answered.'),
    description:
      'Answers a question. Of several answers the first wins, the others fail with QUESTION_CLOSED. For the owner.',
    args: { input: t.arg({ type: AnswerQuestionInput, required: true, description: 'The answer.' }) },
    resolve: (_, { input }, context) => answerQuestion(context.operation(), input),
  }),
}));
