import { defineEntity, p } from '@mikro-orm/core';
import { optionalReference, primaryId, reference, timestamp } from '../platform/columns.ts';
import { Task } from '../tasks/task.entity.ts';
import { COMMAND_STATUSES } from './command.states.ts';
import { Daemon } from './daemon.entity.ts';

export const COMMAND_TYPES = [
  'SPAWN_TASK',
  'PAUSE_TASK',
  'RESUME_TASK',
  'CANCEL_TASK',
  'SEND_MESSAGE',
  'CREATE_CHECKPOINT',
  'CREATE_BRANCH',
  'MERGE_TASK',
  'CREATE_PULL_REQUEST',
  'GET_TASK_DIFF',
  'READ_FILE',
  'REWIND_WORKTREE',
] as const;
export type CommandType = (typeof COMMAND_TYPES)[number];

/** An instruction to a daemon: a row first, a push second, an answer third. */
const CommandSchema = defineEntity({
  name: 'Command',
  tableName: 'command',
  indexes: [
    {
      name: 'command_unanswered',
      expression: `create index "command_unanswered" on "command" ("daemon_id", "id") where "status" in ('PENDING', 'ACCEPTED')`,
    },
  ],
  properties: {
    id: primaryId('command'),
    daemonId: reference('daemon', (): unknown => Daemon),
    taskId: optionalReference('task', (): unknown => Task),
    attempt: p.integer().nullable(),
    type: p.enum(COMMAND_TYPES),
    status: p.enum(COMMAND_STATUSES).default('PENDING'),
    payload: p.json<Record<string, unknown>>(),
    /** What the daemon answered. */
    result: p.json<Record<string, unknown>>().nullable(),
    errorCode: p.text().nullable(),
    errorMessage: p.text().nullable(),
    createdAt: timestamp(),
    acceptedAt: timestamp().nullable(),
    answeredAt: timestamp().nullable(),
  },
});
export class Command extends CommandSchema.class {}
CommandSchema.setClass(Command);
