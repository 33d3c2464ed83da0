import { defineEntity, p } from '@mikro-orm/core';
import { optionalReference, primaryId, reference, timestamp } from '../platform/columns.ts';
import { Task } from '../tasks/task.entity.ts';

export const TURN_ROLES = ['USER', 'ASSISTANT', 'SYSTEM'] as const;
export type TurnRole = (typeof TURN_ROLES)[number];

/**
 * What an agent was told and what it said, each once, in order. Rewinding marks messages and deletes none; each knows the
 * one before it, so that what was rewound can be gone back to.
 */
const ConversationMessageSchema = defineEntity({
  name: 'ConversationMessage',
  tableName: 'conversation_message',
  uniques: [
    { properties: ['taskId', 'number'] },
    {
      name: 'conversation_message_source',
      expression: `create unique index "conversation_message_source" on "conversation_message" ("task_id", "attempt", "source")`,
    },
  ],
  properties: {
    id: primaryId('turn'),
    taskId: reference('task', (): unknown => Task, 'covered'),
    /** 1, 2, 3 … per task, also over what was rewound. */
    number: p.integer(),
    role: p.enum(TURN_ROLES),
    content: p.text(),
    /** The attempt that said it or was told it. */
    attempt: p.integer(),
    /** What it comes from, so that it is taken once: an id of the agent's message, an output index, a question. */
    source: p.text(),
    /** More of it is to come. */
    isPartial: p.boolean().default(false),
    /** The message before it at the time; null for the first. */
    previousId: optionalReference('turn', (): unknown => ConversationMessage),
    createdAt: timestamp(),
    removedAt: timestamp().nullable(),
  },
});
export class ConversationMessage extends ConversationMessageSchema.class {}
ConversationMessageSchema.setClass(ConversationMessage);
