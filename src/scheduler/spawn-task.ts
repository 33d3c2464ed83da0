import { type RawBuilder, sql } from 'kysely';
import { assertOpen, checkContract, contractIdOf, contractToShare } from '../contracts/contract.access.ts';
import { Repository } from '../contracts/repository.entity.ts';
import { recordHistory } from '../events/history.ts';
import { authorize } from '../keys/permissions.ts';
import { once } from '../keys/requests.ts';
import { topics } from '../platform/doorbell.ts';
import { type Id, toUuid } from '../platform/ids.ts';
import { readTogether, rowOf, rowsOf } from '../platform/read-rows.ts';
import type { Operation, Runtime } from '../platform/runtime.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { type Belonging, createWorkTask } from '../tasks/new-work-task.ts';
import { type CheckedSpawn, checkSpawn, type SpawnTaskInput } from '../tasks/spawn-task.input.ts';
import { Task } from '../tasks/task.entity.ts';
import type { Daemons } from './choose-daemon.ts';
import { claim, hasAll } from './claim.ts';
import { readToStart, type Surroundings, surroundings } from './surroundings.ts';

/** With more daemons, looking at all of them for each task is left to the scheduler. */
const FEW_DAEMONS = 20;
/** How long the tasks of an owner are left to the scheduler once one found others waiting. Milliseconds. */
const LEAVE_MS = 50;

/** Of so many it is remembered, and then of none. */
const MANY_OWNERS = 10_000;

/** When a task of an owner last found others waiting, by the uptime of this instance. */
const foundWaiting = new WeakMap<Runtime, Map<Id<'owner'>, number>>();

/**
 * Adds a work task to an open contract. It is started at once when nobody waits before it; else the scheduler starts it as
 * soon as a daemon can take it.
 * @throws DomainError INVALID_INPUT naming the field, MISSING_REPOSITORY, CONTRACT_CLOSED, NOT_SUPERVISOR …
 */
export async function spawnTask(op: Operation, input: SpawnTaskInput): Promise<Task> {
  authorize(op.principal, 'supervise');
  const checked = checkSpawn(input);
  const contractId = contractIdOf(op.principal, input.contractId);
  return transact(op.runtime, async (tx) => {
    const known = await read(tx, op, contractId, checked);
    const contract = checkContract(known.contract, op.principal, contractId);
    let made: Task | undefined;
    const { result } = await once(
      tx,
      { ownerId: contract.ownerId, requestId: input.requestId, operation: 'spawnTask', input },
      async () => {
        assertOpen(contract);
        made = await createWorkTask(tx, op.principal, { ...known, contract }, checked);
        if (!(await startAtOnce(tx, made, known.start))) tx.ring(topics.schedule);
        recordHistory(tx, op, {
          action: 'spawned',
          contractId: contract.id,
          taskId: made.id,
          details: { name: made.name },
        });
        return made.id;
      },
    );
    return made ?? tx.em.findOneOrFail(Task, { id: result as Id<'task'> });
  });
}

/** @returns whether it was: a daemon was free, and nobody else was about to give one something */
async function startAtOnce(
  tx: Transaction,
  task: Task,
  start: (Surroundings & Daemons) | null,
): Promise<boolean> {
  if (!start) return false;
  const { runtime } = tx;
  const found = foundWaiting.get(runtime) ?? new Map<Id<'owner'>, number>();
  foundWaiting.set(runtime, found);
  const isFree = start.daemons.length > 0 && hasAll(start);
  const isStarted = isFree && (await claim(tx, task, start, 'record')) === 'STARTED';
  if (isStarted) found.delete(task.ownerId);
  else found.set(task.ownerId, runtime.clock.uptimeMs());
  if (found.size > MANY_OWNERS) found.clear();
  return isStarted;
}

/**
 * What the task will hang on, and, when it may be started at once, what that depends on. Its supervisor is held, since the
 * task is stored along with the log: whoever has locked that one is waited for now, not later. The daemons are locked after
 * it, and those that somebody else has locked are not waited for: who holds a daemon here waits for no other row.
 */
async function read(
  tx: Transaction,
  { principal, runtime }: Operation,
  contractId: Id<'contract'>,
  input: CheckedSpawn,
): Promise<
  Omit<Belonging, 'contract'> & Pick<Surroundings, 'contract'> & { start: (Surroundings & Daemons) | null }
> {
  const { statements: em } = tx;
  const { ownerId } = principal;
  const held = {
    contract: contractToShare(em, principal, contractId),
    supervisor: rowOf(em, Task, { contractId, ownerId, role: 'SUPERVISOR' }, { lock: 'key share' }),
    repositories: rowsOf(em, Repository, { contractId }, 'id'),
  };
  const waited = foundWaiting.get(runtime)?.get(ownerId) ?? Number.NEGATIVE_INFINITY;
  if (looksAtOthers(input) || runtime.clock.uptimeMs() - waited < LEAVE_MS)
    return { ...(await readTogether(em, held)), start: null };
  const { contract: _, supervisor: __, repositories: ___, ...others } = surroundings(em, contractId);
  const locking = { ownerId, lock: 'no key update skip locked', condition: nobodyWaits(ownerId) } as const;
  const start = await readToStart(em, locking, others, held);
  return { ...start, start };
}

/** Then it waits for the rows of other tasks. */
function looksAtOthers({ parentTaskId, branchedFromTaskId, continueFromTaskId }: CheckedSpawn): boolean {
  return parentTaskId !== null || branchedFromTaskId !== null || continueFromTaskId !== null;
}

function nobodyWaits(ownerId: Id<'owner'>): RawBuilder<unknown> {
  const owner = toUuid(ownerId);
  return sql`not exists (select 1 from task where owner_id = ${owner} and status = 'PENDING')
    and (select count(*) from daemon where owner_id = ${owner} and status = 'CONNECTED') <= ${FEW_DAEMONS}`;
}
