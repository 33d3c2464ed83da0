import { LockMode } from '@mikro-orm/core';
import { type RawBuilder, sql } from 'kysely';
import { lockContractRow } from '../contracts/contract.access.ts';
import type { Contract } from '../contracts/contract.entity.ts';
import { ContractCounter } from '../events/contract-counter.entity.ts';
import { topics } from '../platform/doorbell.ts';
import type { Id } from '../platform/ids.ts';
import { oneByOne } from '../platform/one-by-one.ts';
import { idsOf } from '../platform/read-rows.ts';
import type { Runtime } from '../platform/runtime.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { askAboutBudget } from '../questions/budget-question.ts';
import { Question } from '../questions/question.entity.ts';
import { closeQuestion } from '../questions/question.service.ts';
import { messageArrived, pauseLocked, resumeLocked } from '../tasks/pause-task.ts';
import { Task } from '../tasks/task.entity.ts';

/**
 * Contracts whose budget has come to its end since, or has not any more.
 * @param among what else must hold of contract `c`: begins with `and`
 */
export const budgetsDue = (among: RawBuilder<unknown>) =>
  idsOf(
    'contract',
    sql`
      select c.id from contract c join contract_counter k on k.contract_id = c.id
      join task s on s.contract_id = c.id and s.role = 'SUPERVISOR'
      cross join lateral (select c.budget_usd is not null and k.cost_usd >= c.budget_usd as over) b
      where c.status = 'ACTIVE' and (c.budget_usd is not null or c.budget_question_id is not null) ${among}
        and ((c.budget_question_id is not null) <> b.over or b.over and s.status = 'RUNNING')`,
  );

/**
 * Past its budget the supervisor of a contract is held and the owner is asked; raised again, it goes on. That no task
 * starts meanwhile is the scheduler's doing.
 */
export async function watchBudgets(runtime: Runtime, due: readonly Id<'contract'>[]): Promise<void> {
  await oneByOne(runtime, 'watching a budget', due, (id) => transact(runtime, (tx) => settle(tx, id)));
}

async function settle(tx: Transaction, id: Contract['id']): Promise<void> {
  const contract = await lockContractRow(tx, id);
  const supervisor = await tx.em.findOne(
    Task,
    { contractId: id, role: 'SUPERVISOR' },
    { lockMode: LockMode.PESSIMISTIC_WRITE },
  );
  if (!supervisor || contract.status !== 'ACTIVE') return;
  const { costUsd } = await tx.em.findOneOrFail(ContractCounter, { contractId: id });
  const isOver = typeof contract.budgetUsd === 'number' && costUsd >= contract.budgetUsd;
  if (!isOver) {
    if (contract.budgetQuestionId) await goOn(tx, contract, supervisor);
    return;
  }
  if (supervisor.status === 'RUNNING') {
    await pauseLocked(tx, supervisor, 'budget');
    supervisor.heldByBudget = true;
  }
  if (!contract.budgetQuestionId) await askAboutBudget(tx, contract, supervisor);
}

async function goOn(tx: Transaction, contract: Contract, supervisor: Task): Promise<void> {
  const question = await tx.em.findOne(
    Question,
    { id: contract.budgetQuestionId as Question['id'] },
    { lockMode: LockMode.PESSIMISTIC_WRITE },
  );
  if (question?.status === 'PENDING') closeQuestion(tx, question);
  contract.budgetQuestionId = null;
  contract.budgetOfferUsd = null;
  tx.ring(topics.schedule);
  if (supervisor.heldByBudget) await resumeLocked(tx, supervisor, 'budget');
  else if (supervisor.status === 'WAITING') await messageArrived(tx, supervisor, 'budget', false);
}
