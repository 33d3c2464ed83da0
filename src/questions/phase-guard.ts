import type { Contract } from '../contracts/contract.entity.ts';
import type { Transaction } from '../platform/transaction.ts';
import { assertNotRewound, resumeLocked } from '../tasks/pause-task.ts';
import type { Task } from '../tasks/task.entity.ts';
import { Question } from './question.entity.ts';

/**
 * A phase guard of a locked task was answered or withdrawn: the task goes on, unless another guard holds it; past the budget
 * of its contract as soon as that is raised.
 * @throws DomainError INVALID_TRANSITION while its working copy is rewound
 */
export async function endPhaseGuard(
  tx: Transaction,
  contract: Contract,
  task: Task,
  question: Question,
  by: string,
): Promise<void> {
  if (task.status !== 'PAUSED') return;
  await assertNotRewound(tx, task);
  const others = { taskId: task.id, status: 'PENDING' as const, phaseguard: true };
  const ignored = [question.id, contract.budgetQuestionId].filter((id) => id != null);
  if ((await tx.em.count(Question, { ...others, id: { $nin: ignored } })) > 0) return;
  if (contract.budgetQuestionId) task.heldByBudget = true;
  else await resumeLocked(tx, task, by);
}
