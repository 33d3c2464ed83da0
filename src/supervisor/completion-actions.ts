import { LockMode } from '@mikro-orm/core';
import { type RawBuilder, sql } from 'kysely';
import { Contract } from '../contracts/contract.entity.ts';
import { DomainError } from '../platform/errors.ts';
import type { Id } from '../platform/ids.ts';
import { oneByOne } from '../platform/one-by-one.ts';
import { idsOf } from '../platform/read-rows.ts';
import type { Runtime } from '../platform/runtime.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { logOutput } from '../tasks/log-output.ts';
import { Task } from '../tasks/task.entity.ts';
import { requestPullRequest } from '../worktrees/create-pull-request.ts';
import { requestMerge } from '../worktrees/merge-request.ts';
import { Worktree } from '../worktrees/worktree.entity.ts';

/** Titles of pull requests have at most so many characters at GitHub. */
const MAX_TITLE = 256;
const MAX_BODY = 65_536;

/**
 * Tasks that are DONE, with whose branches something is to be done.
 * @param among what else must hold of contract `c`: begins with `and`
 */
export const completionActionsDue = (among: RawBuilder<unknown>) =>
  idsOf(
    'task',
    sql`
      select t.id from task t join contract c on c.id = t.contract_id
      where t.status = 'DONE' and t.completion_action <> 'NONE' and t.completion_action_at is null
        and c.status <> 'ARCHIVED' ${among}
      order by t.completed_at`,
  );

/**
 * Begins what was asked to be done with the branches of tasks that are DONE: once each, when a daemon can do it, also when
 * their contract was completed meanwhile.
 */
export async function doCompletionActions(runtime: Runtime, due: readonly Id<'task'>[]): Promise<void> {
  await oneByOne(runtime, 'a completion action', due, (id) => act(runtime, id));
}

async function act(runtime: Runtime, id: Id<'task'>): Promise<void> {
  try {
    await transact(runtime, async (tx) => {
      const task = await lock(tx, id);
      if (task) await begin(tx, task);
    });
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    // Tried again with each sweep: a daemon comes back.
    if (error.code === 'NO_DAEMON') return;
    await transact(runtime, async (tx) => {
      const task = await lock(tx, id);
      if (task) giveUp(tx, task, error);
    });
  }
}

function lock(tx: Transaction, id: Id<'task'>): Promise<Task | null> {
  const due = { id, status: 'DONE' as const, completionActionAt: null };
  return tx.em.findOne(Task, due, { lockMode: LockMode.PESSIMISTIC_WRITE });
}

async function begin(tx: Transaction, task: Task): Promise<void> {
  task.completionActionAt = tx.now;
  if (task.completionAction === 'MERGE') {
    await requestMerge(tx, task, { targetBranch: null, message: null });
    return;
  }
  const contract = await tx.em.findOneOrFail(Contract, { id: task.contractId });
  const { branch } = await tx.em.findOneOrFail(Worktree, { id: task.worktreeId as Id<'worktree'> });
  await requestPullRequest(tx, null, contract, {
    branch,
    baseBranch: task.targetBranch ?? null,
    title: task.name.slice(0, MAX_TITLE),
    body: (task.outputSummary ?? task.description ?? null)?.slice(0, MAX_BODY) ?? null,
  });
}

function giveUp(tx: Transaction, task: Task, error: DomainError): void {
  task.completionActionAt = tx.now;
  const what = task.completionAction === 'MERGE' ? 'merged' : 'offered as a pull request';
  logOutput(tx, task, 'ERROR', `The branch could not be ${what}: ${error.message} (${error.code})`);
}
