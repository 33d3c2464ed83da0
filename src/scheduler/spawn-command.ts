import { LockMode } from '@mikro-orm/core';
import type { CommandHandler } from '../daemons/command.service.ts';
import { issueKey, revokeTaskKeys } from '../keys/key.service.ts';
import { DomainError } from '../platform/errors.ts';
import type { Id } from '../platform/ids.ts';
import { Task } from '../tasks/task.entity.ts';

/**
 * A daemon that accepts a spawn is handed the tool key of the attempt. Keys are stored as hashes only, so a repeated
 * acceptance, after a reply that was lost, gives a new key and ends the one that nobody received.
 */
export const spawnHandler: CommandHandler = {
  accepted: async (tx, command) => {
    const task = await tx.em.findOneOrFail(
      Task,
      { id: command.taskId as Id<'task'> },
      { lockMode: LockMode.PESSIMISTIC_WRITE },
    );
    if (task.attempt !== command.attempt || (task.status !== 'STARTING' && task.status !== 'RUNNING')) {
      throw new DomainError(
        'STALE_ATTEMPT',
        `Task ${task.id} is ${task.status} at attempt ${task.attempt}; attempt ${command.attempt} is not to be started any more. Drop the command.`,
      );
    }
    await revokeTaskKeys(tx, task.id);
    const attempt = command.attempt ?? 0;
    return {
      toolKey: issueKey(tx, {
        kind: 'TASK',
        name: `attempt ${attempt}`,
        ownerId: task.ownerId,
        taskId: task.id,
        attempt,
      }),
    };
  },
};
