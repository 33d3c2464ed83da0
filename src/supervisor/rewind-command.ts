import { LockMode } from '@mikro-orm/core';
import { Checkpoint } from '../checkpoints/checkpoint.entity.ts';
import type { CommandHandler } from '../daemons/command.service.ts';
import type { Id } from '../platform/ids.ts';
import { rewindWorktreePayloadSchema, rewindWorktreeResultSchema } from '../platform/protocol.ts';
import type { Transaction } from '../platform/transaction.ts';
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
    const messageId = toMessageId as Id<'turn'> | null;
    await rewindMessages(tx, supervisor, messageId, checkpointId as Id<'checkpoint'>);
    await ownLaterCheckpoints(tx, checkpointId as Id<'checkpoint'>, messageId);
  },
  failed: (tx, command) =>
    logOutcome(
      tx,
      command,
      'ERROR',
      `Neither conversation nor code was rewound: ${command.errorMessage} (${command.errorCode})`,
    ),
};

/** The state after the rewinding was saved while the messages were still there: it belongs to the one that stays. */
async function ownLaterCheckpoints(
  tx: Transaction,
  before: Id<'checkpoint'>,
  afterMessageId: Id<'turn'> | null,
): Promise<void> {
  const { originId, number } = await tx.em.findOneOrFail(Checkpoint, { id: before });
  await tx.em.nativeUpdate(Checkpoint, { originId, number: { $gt: number } }, { afterMessageId });
}
