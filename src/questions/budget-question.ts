import type { Contract } from '../contracts/contract.entity.ts';
import { ContractCounter } from '../events/contract-counter.entity.ts';
import { topics } from '../platform/doorbell.ts';
import type { Transaction } from '../platform/transaction.ts';
import type { Task } from '../tasks/task.entity.ts';
import { storeQuestion } from './ask-question.ts';
import type { Question } from './question.entity.ts';

const STOP = 'Stop here';

/**
 * Asks the owner whether a locked contract may cost more than its budget, which is used up. It never times out: without
 * an answer nothing goes on.
 */
export async function askAboutBudget(tx: Transaction, contract: Contract, supervisor: Task): Promise<void> {
  const budget = contract.budgetUsd ?? 0;
  const { costUsd } = await tx.em.findOneOrFail(ContractCounter, { contractId: contract.id });
  const offer = Math.max(2 * budget, costUsd + budget);
  const question = await storeQuestion(
    tx,
    contract,
    { taskId: supervisor.id, attempt: null },
    {
      question: `The contract "${contract.name}" has cost ${dollars(costUsd)}, and its budget of ${dollars(budget)} is used up. May it cost more?`,
      choices: [raiseTo(offer), STOP],
      context:
        'Tasks that run go on; no further task starts and the supervisor is held until the budget is raised, here or with updateContract.',
      timeoutSeconds: 86_400,
      multiSelect: false,
      questionType: 'GENERAL',
      keepOpen: false,
      nonBlocking: false,
      phaseguard: true,
    },
  );
  contract.budgetQuestionId = question.id;
  contract.budgetOfferUsd = offer;
}

/** Raises the budget when that is what was chosen. A free text is no consent: it only reaches the supervisor, later. */
export function takeBudgetAnswer(tx: Transaction, contract: Contract, question: Question): void {
  const { budgetOfferUsd: offer } = contract;
  if (offer === null || offer === undefined || !question.answerChoices?.includes(raiseTo(offer))) return;
  contract.budgetUsd = offer;
  contract.updatedAt = tx.now;
  tx.ring(topics.supervision(contract.id));
  tx.ring(topics.schedule);
}

function raiseTo(offer: number): string {
  return `Raise it to ${dollars(offer)}`;
}

function dollars(amount: number): string {
  return `$${amount.toFixed(2)}`;
}
