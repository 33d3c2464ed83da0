import { defineEntity, p } from '@mikro-orm/core';
import { primaryId, reference, timestamp } from '../platform/columns.ts';
import { Task } from './task.entity.ts';

export const MESSAGE_SENDERS = ['PERSON', 'SUPERVISOR', 'TASK', 'SYSTEM'] as const;
export type MessageSender = (typeof MESSAGE_SENDERS)[number];

/** A message to an agent, stored until the agent has it. */
const TaskMessageSchema = defineEntity({
  name: 'TaskMessage',
  tableName: 'task_message',
  uniques: [{ properties: ['taskId', 'number'] }],
  properties: {
    id: primaryId('message'),
    taskId: reference('task', (): unknown => Task, 'covered'),
    /** 1, 2, 3 … per task. */
    number: p.integer(),
    sender: p.enum(MESSAGE_SENDERS),
    content: p.text(),
    createdAt: timestamp(),
    /** When the agent said that it has it. */
    deliveredAt: timestamp().nullable(),
  },
});
export class TaskMessage extends TaskMessageSchema.class {}
TaskMessageSchema.setClass(TaskMessage);
