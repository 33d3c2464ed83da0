import { defineEntity, p } from '@mikro-orm/core';
import { Contract } from '../contracts/contract.entity.ts';
import { Owner } from '../keys/owner.entity.ts';
import { optionalReference, primaryId, reference, texts, timestamp } from '../platform/columns.ts';
import { Task } from '../tasks/task.entity.ts';
import { TaskMessage } from '../tasks/task-message.entity.ts';
import { QUESTION_STATUSES } from './question.states.ts';

export const QUESTION_TYPES = ['GENERAL', 'PERMISSION', 'PHASE_CONFIRMATION', 'CONTRACT_COMPLETE'] as const;

/** What an agent asks a person. */
const QuestionSchema = defineEntity({
  name: 'Question',
  tableName: 'question',
  indexes: [
    {
      name: 'question_pending',
      expression: `create index "question_pending" on "question" ("owner_id", "id") where "status" = 'PENDING'`,
    },
    {
      name: 'question_expiring',
      expression: `create index "question_expiring" on "question" ("expires_at") where "status" = 'PENDING'`,
    },
    {
      name: 'question_unacknowledged',
      expression: `create index "question_unacknowledged" on "question" ("answered_at") where "status" = 'ANSWERED' and "told_at" is null`,
    },
  ],
  uniques: [{ properties: ['ownerId', 'askedChange'] }, { properties: ['ownerId', 'answeredChange'] }],
  properties: {
    id: primaryId('question'),
    ownerId: reference('owner', (): unknown => Owner, 'covered'),
    contractId: reference('contract', (): unknown => Contract),
    taskId: reference('task', (): unknown => Task),
    /** The attempt whose daemon asks in its agent's name: the question ends with it. null: the task itself asks. */
    attempt: p.integer().nullable(),
    question: p.text(),
    choices: texts().default([]),
    context: p.text().nullable(),
    multiSelect: p.boolean().default(false),
    questionType: p.enum(QUESTION_TYPES).default('GENERAL'),
    status: p.enum(QUESTION_STATUSES).default('PENDING'),
    /** Its asker did not wait: the answer comes as a message. */
    nonBlocking: p.boolean().default(false),
    /** Its asker is paused until the answer, and it never times out. */
    phaseguard: p.boolean().default(false),
    /** Stays answerable after its timeout. */
    keepOpen: p.boolean().default(false),
    timeoutSeconds: p.integer(),
    expiresAt: timestamp().nullable(),
    /** Set at the timeout of a question that stays open: its asker was told TIMED_OUT. */
    timedOutAt: timestamp().nullable(),
    response: p.text().nullable(),
    answerChoices: texts().nullable(),
    answerText: p.text().nullable(),
    answeredBy: p.text().nullable(),
    answeredAt: timestamp().nullable(),
    /** When the asker acknowledged the answer, or it became a message to the agent: told once. */
    toldAt: timestamp().nullable(),
    /** The message that told it, when no waiting request did. */
    messageId: optionalReference('message', (): unknown => TaskMessage),
    /** Places in the owner's sequence of questions asked and answered: the cursors of the two subscriptions. */
    askedChange: p.integer(),
    answeredChange: p.integer().nullable(),
    createdAt: timestamp(),
  },
});
export class Question extends QuestionSchema.class {}
QuestionSchema.setClass(Question);
