import { LockMode } from '@mikro-orm/core';
import type { CommandHandler } from '../daemons/command.service.ts';
import type { Id } from '../platform/ids.ts';
import { rewindWorktreePayloadSchema, rewindWorktreeResultSchema } from '../platform/protocol.ts';
import { Task } from '../tasks/task.entity.ts';
import { parseAnswer } from '../worktrees/daemon-answer.ts';
import { logOutcome } from '../worktrees/supervisor-copy.ts';
import { rewindMessages } from './rewind-conversation.ts';

/** The conversation follows the code in the transaction that hears of it: both are rewound, or neither. */
export const rewindHandler: CommandHandler = {
  result: rewindWorktreeResultSchema,
  completed: async (tx, command, result) => {
    const { checkpointId } = parseAnswer(rewindWorktreeResultSchema, result);
    const { toMessageId } = rewindWorktreePayloadSchema.parse(command.payload);
    const supervisor = await tx.em.findOneOrFail(
      Task,
      { id: command.taskId as Id<'task'> },
      { lockMode: LockMode.PESSIMISTIC_WRITE },
    );
    await rewindMessages(tx, supervisor, toMessageId as Id<'turn'> | null, checkpointId as Id<'checkpoint'>);
  },
  failed: (tx, command) =>
    logOutcome(
      tx,
      command,
      'ERROR',
      `Neither conversation nor code was rewound: ${command.errorMessage} (${command.errorCode})`,
    ),
};
