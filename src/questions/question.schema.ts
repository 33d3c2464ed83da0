import { Contract } from '../contracts/contract.entity.ts';
import { ContractType } from '../contracts/contract.schema.ts';
import { ContractEvent, registerEventTypes } from '../events/event.schema.ts';
import type { EventOf, LoggedEvent } from '../events/event-types.ts';
import { builder } from '../graphql/builder.ts';
import { Node, registerNode } from '../graphql/node.ts';
import { selectedColumns } from '../graphql/selected-columns.ts';
import { authorize } from '../keys/permissions.ts';
import { Task } from '../tasks/task.entity.ts';
import { TaskType } from '../tasks/task.schema.ts';
import { Question } from './question.entity.ts';
import { findQuestion, listQuestions, pendingQuestions } from './question.service.ts';
import { questionSource } from './question.source.ts';

export const QuestionTypeType = builder.enumType('QuestionType', {
  description: 'What a question is about.',
  values: {
    GENERAL: { description: 'Anything.' },
    PERMISSION: { description: 'Whether the agent may do something.' },
    PHASE_CONFIRMATION: { description: 'Whether to go on to the next phase.' },
    CONTRACT_COMPLETE: { description: 'Whether the contract is done.' },
  },
});
export const QuestionStatusType = builder.enumType('QuestionStatus', {
  description: 'Where a question stands.',
  values: {
    PENDING: { description: 'It waits for an answer.' },
    ANSWERED: { description: 'It was answered.' },
    TIMED_OUT: { description: 'Nobody answered in time. That is not consent.' },
    WITHDRAWN: { description: 'It was taken back.' },
  },
});

export const QuestionObject = builder.objectRef<Question>('Question');
QuestionObject.implement({
  description: 'What a supervisor, or a daemon in the name of an agent, asks a person.',
  interfaces: [Node],
  fields: (t) => ({
    contract: t.field({
      type: ContractType,
      description: 'The contract.',
      extensions: { columns: ['contractId'] },
      resolve: (question, _, { loaders }) => loaders.get(Contract, question.contractId),
    }),
    task: t.field({
      type: TaskType,
      description: 'The task that asks.',
      extensions: { columns: ['taskId'] },
      resolve: (question, _, { loaders }) => loaders.get(Task, question.taskId),
    }),
    question: t.exposeString('question', { description: 'The question.' }),
    choices: t.exposeStringList('choices', {
      description: 'Answers it offers; a free text is always allowed too.',
    }),
    context: t.exposeString('context', {
      nullable: true,
      description: 'What one should know to answer; null when not given.',
    }),
    multiSelect: t.exposeBoolean('multiSelect', { description: 'Whether several choices may be taken.' }),
    questionType: t.expose('questionType', { type: QuestionTypeType, description: 'What it is about.' }),
    status: t.expose('status', { type: QuestionStatusType, description: 'Where it stands.' }),
    nonBlocking: t.exposeBoolean('nonBlocking', {
      description: 'Whether its asker did not wait: the answer comes as a message.',
    }),
    phaseguard: t.exposeBoolean('phaseguard', {
      description: 'Whether its asker is paused until the answer; it never times out.',
    }),
    keepOpen: t.exposeBoolean('keepOpen', {
      description: 'Whether it can be answered after its time is up.',
    }),
    timeoutSeconds: t.exposeInt('timeoutSeconds', { description: 'How long its asker waits.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its time is up; null: never.',
    }),
    response: t.exposeString('response', {
      nullable: true,
      description: 'The answer: the text, else the choices joined by ", "; null before.',
    }),
    answerChoices: t.field({
      type: ['String'],
      nullable: true,
      description: 'The choices taken; null before it was answered.',
      extensions: { columns: ['answerChoices'] },
      resolve: (question) => question.answerChoices ?? null,
    }),
    answerText: t.exposeString('answerText', {
      nullable: true,
      description: 'The free text; null when there is none.',
    }),
    answeredBy: t.exposeString('answeredBy', {
      nullable: true,
      description: 'Who answered, as the history names them; null before.',
    }),
    answeredAt: t.expose('answeredAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was answered; null before.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was asked.' }),
  }),
});
registerNode('question', {
  entity: Question,
  typeName: 'Question',
  find: (op, id) => {
    authorize(op.principal, 'read');
    return findQuestion(op.em, op, id);
  },
});

builder.queryField('pendingQuestions', (t) =>
  t.field({
    type: [QuestionObject],
    description:
      'Questions that wait for an answer, oldest first, at most 500. For the owner; of one contract also for its tasks.',
    args: { contractId: t.arg.id({ description: 'Only of this contract.' }) },
    resolve: (_, { contractId }, context) => pendingQuestions(context.operation(), contractId),
  }),
);

builder.queryField('questions', (t) =>
  t.field({
    type: [QuestionObject],
    description:
      "A contract's questions, oldest first, at most 1,000. For the owner and the contract's tasks.",
    args: {
      contractId: t.arg.id({ required: true, description: 'The contract.' }),
      status: t.arg({ type: QuestionStatusType, description: 'Only those of this status.' }),
    },
    resolve: (_, { contractId, status }, context, info) =>
      listQuestions(context.operation(), contractId, status, selectedColumns(info, 'Question', ['id'])),
  }),
);

builder.subscriptionFields((t) => ({
  questionAsked: t.field({
    type: QuestionObject,
    description:
      'Questions as they are asked; those pending come first. For the owner; of one contract also for its tasks.',
    args: { contractId: t.arg.id({ description: 'Only of this contract; else of all of them.' }) },
    subscribe: (_, { contractId }, context) => questionSource(context.operation(), 'asked', contractId),
    resolve: (question, _, context) => {
      context.startEvent();
      return question;
    },
  }),
  questionAnswered: t.field({
    type: QuestionObject,
    description: 'Questions as they are answered. For the owner; of one contract also for its tasks.',
    args: { contractId: t.arg.id({ description: 'Only of this contract; else of all of them.' }) },
    subscribe: (_, { contractId }, context) => questionSource(context.operation(), 'answered', contractId),
    resolve: (question, _, context) => {
      context.startEvent();
      return question;
    },
  }),
}));

type QuestionLogged = EventOf<'QUESTION_ASKED' | 'QUESTION_ANSWERED' | 'QUESTION_CLOSED'>;
builder.objectRef<QuestionLogged>('QuestionEvent').implement({
  description: 'A question was asked, answered or closed.',
  interfaces: [ContractEvent],
  isTypeOf: (value) => String((value as LoggedEvent).type).startsWith('QUESTION_'),
  fields: (t) => ({
    question: t.field({
      type: QuestionObject,
      description: 'The question as it is now.',
      resolve: (event, _, { loaders }) => loaders.get(Question, event.data.questionId),
    }),
  }),
});
registerEventTypes('QuestionEvent', ['QUESTION_ASKED', 'QUESTION_ANSWERED', 'QUESTION_CLOSED']);
