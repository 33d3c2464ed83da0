import { LockMode } from '@mikro-orm/core';
import { assertOpen, contractIdOf, lockContract } from '../contracts/contract.access.ts';
import type { Contract } from '../contracts/contract.entity.ts';
import { logEvent } from '../events/append.ts';
import { recordHistory } from '../events/history.ts';
import { authorize } from '../keys/permissions.ts';
import { once } from '../keys/requests.ts';
import { DomainError } from '../platform/errors.ts';
import { actorName } from '../platform/principal.ts';
import type { Operation } from '../platform/runtime.ts';
import { optionalText } from '../platform/text.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { withdrawQuestions } from '../questions/question.service.ts';
import { Task } from '../tasks/task.entity.ts';
import { moveTask } from '../tasks/task.moves.ts';
import { cancelLocked, stopAgent } from '../tasks/task.service.ts';
import { isCompleted, type TaskStatus } from '../tasks/task.states.ts';

/** Most tasks of a large contract; what FAILED or was CANCELLED can be tried again (retryTask), so it is held as well. */
const ENDED_FOR_GOOD = ['DONE', 'MERGED'] as const satisfies readonly TaskStatus[];

/** How long a supervisor may go on after it completed its contract, to say goodbye. Seconds. */
const FAREWELL_SECONDS = 30;

export interface CompleteContractInput {
  readonly contractId?: string | null | undefined;
  readonly summary?: string | null | undefined;
  readonly cancelTasks?: boolean | null | undefined;
  readonly requestId?: string | null | undefined;
}

/**
 * Completes a contract: no new work, open questions withdrawn, the supervisor ended.
 * @throws DomainError TASKS_RUNNING while work tasks are not completed, unless `cancelTasks`; CONTRACT_CLOSED
 */
export async function completeContract(op: Operation, input: CompleteContractInput): Promise<Contract> {
  authorize(op.principal, 'supervise');
  const summary = optionalText(input.summary, 'summary', 20_000);
  const contractId = contractIdOf(op.principal, input.contractId);
  return transact(op.runtime, async (tx) => {
    const contract = await lockContract(tx, op.principal, contractId);
    const request = {
      ownerId: contract.ownerId,
      requestId: input.requestId,
      operation: 'completeContract',
      input,
    };
    await once(tx, request, async () => {
      assertOpen(contract);
      await complete(tx, op, contract, summary, input.cancelTasks ?? false);
      return contract.id;
    });
    return contract;
  });
}

async function complete(
  tx: Transaction,
  op: Operation,
  contract: Contract,
  summary: string | null,
  cancelTasks: boolean,
): Promise<void> {
  const by = actorName(op.principal);
  const tasks = await tx.em.find(
    Task,
    { contractId: contract.id, $or: [{ role: { $ne: 'WORK' } }, { status: { $nin: [...ENDED_FOR_GOOD] } }] },
    { lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { id: 'asc' } },
  );
  const open = tasks.filter(
    (task) => task.role === 'WORK' && !isCompleted(task.status) && task.status !== 'CANCELLING',
  );
  if (open.length > 0 && !cancelTasks) {
    throw new DomainError(
      'TASKS_RUNNING',
      `${open.length} ${open.length === 1 ? 'task is' : 'tasks are'} not completed. Wait for them, or pass cancelTasks: true.`,
      { extensions: { taskIds: open.map((task) => task.id) } },
    );
  }
  for (const task of open) await cancelLocked(tx, task, by, 'The contract was completed.');
  await withdrawQuestions(tx, contract.id);
  contract.status = 'COMPLETED';
  contract.summary = summary;
  contract.completedAt = tx.now;
  contract.updatedAt = tx.now;
  for (const task of tasks) if (task.role !== 'WORK') await endTask(tx, task, by);
  logEvent(tx, contract.id, {
    type: 'CONTRACT_COMPLETED',
    taskId: null,
    data: { updatedFields: ['status', 'summary', 'completedAt'], updatedBy: by },
  });
  recordHistory(tx, op, { action: 'contract.completed', contractId: contract.id });
}

/** Ends the supervisor or the red team of a contract that is completed. */
async function endTask(tx: Transaction, task: Task, by: string): Promise<void> {
  if (isCompleted(task.status)) return;
  if (task.status === 'WAITING' || task.status === 'PAUSED') {
    stopAgent(tx, task, 'DONE', 0);
    return moveTask(tx, task, 'DONE', by);
  }
  if (task.status === 'STARTING' || task.status === 'RUNNING')
    return stopAgent(tx, task, 'DONE', FAREWELL_SECONDS);
  if (task.status !== 'CANCELLING') moveTask(tx, task, 'CANCELLED', by);
}
