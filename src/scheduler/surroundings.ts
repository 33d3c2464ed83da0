import { type RawBuilder, sql } from 'kysely';
import { Contract } from '../contracts/contract.entity.ts';
import { Repository } from '../contracts/repository.entity.ts';
import { ContractCounter } from '../events/contract-counter.entity.ts';
import type { Statements } from '../platform/database.ts';
import { type Id, toUuid } from '../platform/ids.ts';
import {
  type ReadOptions,
  readInTurn,
  rowOf,
  rowsOf,
  type Selected,
  type Selections,
} from '../platform/read-rows.ts';
import { Task } from '../tasks/task.entity.ts';
import { Worktree } from '../worktrees/worktree.entity.ts';
import { documentNames } from './briefing.ts';
import { connectedDaemons, type Daemons, runningWork } from './choose-daemon.ts';

/** What of its contract the start of a task depends on, and what its agent is told of. */
export function surroundings(em: Statements, contractId: Id<'contract'>) {
  const supervisor = { contractId, role: 'SUPERVISOR' };
  // By its id alone: the copies of a contract are as many as its tasks.
  const itsCopy = sql`(select worktree_id from task where contract_id = ${toUuid(contractId)} and role = 'SUPERVISOR')`;
  return {
    contract: rowOf(em, Contract, { id: contractId }),
    counter: rowOf(em, ContractCounter, { contractId }),
    supervisor: rowOf(em, Task, supervisor),
    supervisorCopy: rowOf(em, Worktree, { id: itsCopy }),
    repositories: rowsOf(em, Repository, { contractId }, 'id'),
    documents: documentNames(contractId),
  };
}

export type Surroundings = Selected<ReturnType<typeof surroundings>>;

/** Whose daemons are to be locked: while a condition holds. */
export interface Locking {
  readonly ownerId: Id<'owner'>;
  readonly lock: NonNullable<ReadOptions['lock']>;
  readonly condition: RawBuilder<unknown>;
}

/**
 * Reads, in one trip, what a start depends on, locks the owner's daemons, and then looks what work they have: what was
 * committed before they were locked counts, however long that took. Daemons are locked before a task is, and by whoever
 * has locked a task already only without waiting: who takes a daemon away from its tasks holds it while it waits for them.
 * @param before what is read, and locked, before them
 */
export async function readToStart<S extends Selections, B extends Selections = Record<never, never>>(
  em: Statements,
  { ownerId, lock, condition }: Locking,
  selections: S,
  before?: B,
): Promise<Selected<B> & Selected<S> & Daemons> {
  const daemons = connectedDaemons(em, ownerId, lock, condition);
  const found = await readInTurn(
    em,
    { ...before, daemons, ...selections },
    { running: runningWork(ownerId, condition) },
  );
  return found as Selected<B> & Selected<S> & Daemons;
}
