import { Contract } from '../contracts/contract.entity.ts';
import type { Transaction } from '../platform/transaction.ts';
import type { Task } from './task.entity.ts';
import { moveTask } from './task.moves.ts';

export const MAX_RETRIES = 3;

/**
 * A STARTING or RUNNING task lost its daemon: it goes back to PENDING for another, or, its retries used up, it FAILED
 * with the reason of each attempt. In a contract that is closed meanwhile nothing is started again.
 */
export async function interruptTask(tx: Transaction, task: Task, by: string, reason: string): Promise<void> {
  const daemonId = task.daemonId;
  const reasons = [task.errorMessage, `Attempt ${task.attempt}: ${reason}`].filter(Boolean).join('\n');
  const failedDaemons = daemonId ? [...new Set([...task.failedDaemons, daemonId])] : task.failedDaemons;
  moveTask(tx, task, 'INTERRUPTED', by, { errorMessage: reasons, failedDaemons });
  const contract = await tx.em.findOneOrFail(Contract, { id: task.contractId });
  if (contract.status !== 'ACTIVE') {
    moveTask(tx, task, 'CANCELLED', by);
    return;
  }
  if (task.retryCount >= MAX_RETRIES) {
    moveTask(tx, task, 'FAILED', by);
    return;
  }
  moveTask(tx, task, 'PENDING', by, { retryCount: task.retryCount + 1, daemonId: null });
}
