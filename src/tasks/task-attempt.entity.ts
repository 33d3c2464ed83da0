import { defineEntity, p } from '@mikro-orm/core';
import { Daemon } from '../daemons/daemon.entity.ts';
import { reference, timestamp } from '../platform/columns.ts';
import { Task } from './task.entity.ts';

/** One start of a task on one daemon, and how much of its output is stored. */
const TaskAttemptSchema = defineEntity({
  name: 'TaskAttempt',
  tableName: 'task_attempt',
  properties: {
    taskId: () => p.manyToOne(Task).mapToPk().primary().deleteRule('cascade'),
    attempt: p.integer().primary(),
    daemonId: reference('daemon', (): unknown => Daemon),
    /** Index of the next output entry that is not stored yet: each index is stored once. */
    nextOutputIndex: p.integer().default(0),
    /** What its agent reported to have cost, in US dollars, and its tokens. */
    costUsd: p.double().$type<number>().default(0),
    tokens: p.bigint('number').default(0),
    startedAt: timestamp(),
    /** When output was last stored; null before the first. */
    lastOutputAt: timestamp().nullable(),
    /** When its silence was noticed; null while it speaks. */
    stalledAt: timestamp().nullable(),
    endedAt: timestamp().nullable(),
  },
});
export class TaskAttempt extends TaskAttemptSchema.class {}
TaskAttemptSchema.setClass(TaskAttempt);
