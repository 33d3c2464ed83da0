import { defineEntity, p } from '@mikro-orm/core';
import { Contract } from '../contracts/contract.entity.ts';
import { primaryId, reference, timestamp } from '../platform/columns.ts';

export const TURN_ROLES = ['USER', 'ASSISTANT', 'SYSTEM'] as const;

/** A message of the supervisor's conversation, in order. Rewinding marks messages, it deletes none. */
const ConversationMessageSchema = defineEntity({
  name: 'ConversationMessage',
  tableName: 'conversation_message',
  uniques: [{ properties: ['contractId', 'number'] }],
  properties: {
    id: primaryId('turn'),
    contractId: reference('contract', (): unknown => Contract, 'covered'),
    number: p.integer(),
    role: p.enum(TURN_ROLES),
    content: p.text(),
    createdAt: timestamp(),
    removedAt: timestamp().nullable(),
  },
});
export class ConversationMessage extends ConversationMessageSchema.class {}
ConversationMessageSchema.setClass(ConversationMessage);
