import { sql } from 'kysely';
import { Contract } from '../contracts/contract.entity.ts';
import { Repository } from '../contracts/repository.entity.ts';
import { issueCommand } from '../daemons/command.service.ts';
import { ContractCounter } from '../events/contract-counter.entity.ts';
import { kysely } from '../platform/database.ts';
import { topics } from '../platform/doorbell.ts';
import { fromUuid, type Id } from '../platform/ids.ts';
import { readTogether, rowOf, rowsOf, type Selected } from '../platform/read-rows.ts';
import type { Runtime } from '../platform/runtime.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { Task } from '../tasks/task.entity.ts';
import { moveTask } from '../tasks/task.moves.ts';
import { TaskAttempt } from '../tasks/task-attempt.entity.ts';
import { documentNames } from './briefing.ts';
import { chooseDaemon } from './choose-daemon.ts';
import { makeCopy, sharedCopy } from './copies.ts';
import { type Start, spawnPayload } from './spawn-payload.ts';

const CANDIDATES = 200;

export interface Candidate {
  readonly id: Id<'task'>;
  readonly contractId: Id<'contract'>;
}

/**
 * PENDING tasks of open contracts that some connected daemon could take now, by priority then age. What nobody can take
 * (a queue behind a full daemon, a profile or a path that none offers, a shared copy that is not there, a budget that is
 * used up) is left out here already: a limit that it filled would keep the tasks of everybody else from starting.
 */
export async function candidates(runtime: Runtime): Promise<Candidate[]> {
  const { rows } = await sql<{ id: string; contract_id: string }>`
    with able as materialized (
      select d.id, d.owner_id, d.agents, d.local_paths, d.max_concurrent_tasks > (
        select count(*) from task r
        where r.daemon_id = d.id and r.role = 'WORK' and r.status in ('STARTING', 'RUNNING', 'CANCELLING')
      ) as free
      from daemon d where d.status = 'CONNECTED'
    ), waiting as (
      select t.* from (select distinct owner_id from able where free) as o
      join task t on t.owner_id = o.owner_id and t.status = 'PENDING' and t.role = 'WORK'
      union all
      select t.* from (select distinct owner_id from able) as o
      join task t on t.owner_id = o.owner_id and t.status = 'PENDING' and t.role <> 'WORK'
    )
    select t.id, t.contract_id
    from waiting t join contract c on c.id = t.contract_id join contract_counter k on k.contract_id = c.id
    where c.status = 'ACTIVE' and (c.budget_usd is null or k.cost_usd < c.budget_usd)
      and exists (
      select 1 from able d
      where d.owner_id = t.owner_id and t.agent = any(d.agents) and (d.free or t.role <> 'WORK')
        and (t.repository_path is null or exists (
          select 1 from unnest(d.local_paths) as allowed
          where t.repository_path = allowed or starts_with(t.repository_path, regexp_replace(allowed, '/$', '') || '/')
        ))
        and (t.use_own_worktree or t.role = 'RED_TEAM' or exists (
          select 1 from task s join worktree w on w.id = s.worktree_id join daemon h on h.id = w.daemon_id
          where s.contract_id = t.contract_id and s.role = 'SUPERVISOR' and w.path is not null and (
            w.daemon_id = d.id or h.status = 'DISCONNECTED' and s.status not in ('PENDING', 'STARTING', 'RUNNING'))
        ))
    )
    order by t.priority desc, t.id limit ${CANDIDATES}`.execute(kysely(runtime.db.fork()));
  return rows.map((row) => ({
    id: fromUuid('task', row.id),
    contractId: fromUuid('contract', row.contract_id),
  }));
}

/** Gives a task to a daemon, in one transaction of its own. @returns whether it was started */
export function claimTask(runtime: Runtime, { id, contractId }: Candidate): Promise<boolean> {
  return transact(runtime, async (tx) => {
    const { task, ...around } = await readTogether(tx.em, {
      task: rowOf(tx.em, Task, { id, status: 'PENDING' }, { lock: 'no key update skip locked' }),
      ...surroundings(tx, contractId),
    });
    return task !== null && (await claim(tx, tx.follow(Task, task), around));
  });
}

/**
 * Gives a locked PENDING task to a daemon: PENDING → STARTING with the next attempt, and the command that spawns it. Any
 * number of instances may try at once: the locks on the task and the daemon let one of them do it, once.
 * @returns whether it was started; when not, nothing has changed
 */
export async function claimLocked(tx: Transaction, task: Task): Promise<boolean> {
  return claim(tx, task, await readTogether(tx.em, surroundings(tx, task.contractId)));
}

function surroundings({ em }: Transaction, contractId: Id<'contract'>) {
  return {
    contract: rowOf(em, Contract, { id: contractId }),
    counter: rowOf(em, ContractCounter, { contractId }),
    supervisor: rowOf(em, Task, { contractId, role: 'SUPERVISOR' }),
    repositories: rowsOf(em, Repository, { contractId }, 'id'),
    documents: documentNames(contractId),
  };
}

type Surroundings = Selected<ReturnType<typeof surroundings>>;

async function claim(tx: Transaction, task: Task, around: Surroundings): Promise<boolean> {
  const { contract, counter, ...known } = around;
  if (contract?.status !== 'ACTIVE') return false;
  if (typeof contract.budgetUsd === 'number' && Number(counter?.costUsd) >= contract.budgetUsd) return false;
  const { repositories, documents } = known;
  const start = { task, contract, repositories, documents };
  if (task.role === 'RED_TEAM') {
    const daemon = await chooseDaemon(tx, task, null);
    return (
      daemon !== null && (await begin(tx, { ...start, daemon, copy: null, supervisor: known.supervisor }))
    );
  }
  // One whose copy is shared may have to be moved with it, hence changed.
  const supervisor =
    task.useOwnWorktree || !known.supervisor
      ? known.supervisor
      : await tx.em.findOneOrFail(Task, { id: known.supervisor.id });
  const shared = task.useOwnWorktree ? null : await sharedCopy(tx, supervisor);
  if (!task.useOwnWorktree && !shared) return false;
  const daemon = await chooseDaemon(tx, task, shared);
  if (!daemon) return false;
  const copy = await makeCopy(tx, { task, contract, supervisor, daemon, shared });
  return begin(tx, { ...start, daemon, copy, supervisor });
}

async function begin(tx: Transaction, start: Omit<Start, 'attempt'>): Promise<true> {
  const { task, contract, daemon, copy } = start;
  const attempt = task.attempt + 1;
  const payload = await spawnPayload(tx, { ...start, attempt });
  moveTask(tx, task, 'STARTING', 'scheduler', {
    attempt,
    daemonId: daemon.id,
    worktreeId: copy?.worktree.id ?? null,
  });
  if (contract.redTeamEnabled) tx.ring(topics.supervision);
  task.claimedAt = tx.now;
  task.startsAnew = false;
  tx.record(TaskAttempt, { taskId: task.id, attempt, daemonId: daemon.id, startedAt: tx.now });
  const command = { daemonId: daemon.id, taskId: task.id, attempt, type: 'SPAWN_TASK' } as const;
  issueCommand(tx, { ...command, payload: { ...payload } }, 'record');
  return true;
}
