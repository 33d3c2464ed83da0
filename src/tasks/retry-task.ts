import { assertOpen, findContract } from '../contracts/contract.access.ts';
import { recordHistory } from '../events/history.ts';
import { authorize } from '../keys/permissions.ts';
import { once } from '../keys/requests.ts';
import { DomainError } from '../platform/errors.ts';
import { actorName } from '../platform/principal.ts';
import type { Operation } from '../platform/runtime.ts';
import { transact } from '../platform/transaction.ts';
import { lockTask } from './task.access.ts';
import type { Task } from './task.entity.ts';
import { moveTask } from './task.moves.ts';

/**
 * Starts a failed or cancelled task again, in the working copy it had, with all its retries before it.
 * @throws DomainError INVALID_TRANSITION for any other status, CONTRACT_CLOSED
 */
export async function retryTask(
  op: Operation,
  input: { taskId: string; requestId?: string | null | undefined },
): Promise<Task> {
  authorize(op.principal, 'supervise');
  return transact(op.runtime, async (tx) => {
    const task = await lockTask(tx, op.principal, input.taskId);
    const request = { ownerId: task.ownerId, requestId: input.requestId, operation: 'retryTask', input };
    await once(tx, request, async () => {
      assertOpen(await findContract(tx.em, op.principal, task.contractId));
      if (task.status !== 'FAILED' && task.status !== 'CANCELLED') {
        throw new DomainError(
          'INVALID_TRANSITION',
          `Task ${task.id} is ${task.status}; only one that FAILED or was CANCELLED can be retried. Spawn another task instead.`,
        );
      }
      Object.assign(task, { cancelReason: null, finishSummary: null, finishSuccess: null });
      moveTask(tx, task, 'PENDING', actorName(op.principal), {
        retryCount: 0,
        errorMessage: null,
        daemonId: null,
      });
      recordHistory(tx, op, { action: 'retried', contractId: task.contractId, taskId: task.id });
      return task.id;
    });
    return task;
  });
}
