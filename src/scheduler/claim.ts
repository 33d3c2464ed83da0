import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { Contract } from '../contracts/contract.entity.ts';
import { issueCommand } from '../daemons/command.service.ts';
import type { Daemon } from '../daemons/daemon.entity.ts';
import { ContractCounter } from '../events/contract-counter.entity.ts';
import { kysely } from '../platform/database.ts';
import { topics } from '../platform/doorbell.ts';
import { fromUuid, type Id } from '../platform/ids.ts';
import { readRow } from '../platform/read-rows.ts';
import type { Runtime } from '../platform/runtime.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { Task } from '../tasks/task.entity.ts';
import { moveTask } from '../tasks/task.moves.ts';
import { TaskAttempt } from '../tasks/task-attempt.entity.ts';
import { chooseDaemon } from './choose-daemon.ts';
import { type Copy, makeCopy, sharedCopy } from './copies.ts';
import { spawnPayload } from './spawn-payload.ts';

const CANDIDATES = 200;

/**
 * PENDING tasks of open contracts that some connected daemon could take now, by priority then age. What nobody can take
 * (a queue behind a full daemon, a profile or a path that none offers, a shared copy that is not there, a budget that is
 * used up) is left out here already: a limit that it filled would keep the tasks of everybody else from starting.
 */
export async function candidates(runtime: Runtime): Promise<Id<'task'>[]> {
  const { rows } = await sql<{ id: string }>`
    with able as materialized (
      select d.id, d.owner_id, d.agents, d.local_paths, d.max_concurrent_tasks > (
        select count(*) from task r
        where r.daemon_id = d.id and r.role = 'WORK' and r.status in ('STARTING', 'RUNNING', 'CANCELLING')
      ) as free
      from daemon d where d.status = 'CONNECTED'
    )
    select t.id from task t join contract c on c.id = t.contract_id join contract_counter k on k.contract_id = c.id
    where t.status = 'PENDING' and c.status = 'ACTIVE' and (c.budget_usd is null or k.cost_usd < c.budget_usd)
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
  return rows.map((row) => fromUuid('task', row.id));
}

/** Gives a task to a daemon, in one transaction of its own. @returns whether it was started */
export function claimTask(runtime: Runtime, taskId: Id<'task'>): Promise<boolean> {
  return transact(runtime, async (tx) => {
    const task = await tx.em.findOne(
      Task,
      { id: taskId, status: 'PENDING' },
      { lockMode: LockMode.PESSIMISTIC_PARTIAL_WRITE },
    );
    return task !== null && (await claimLocked(tx, task));
  });
}

/**
 * Gives a locked PENDING task to a daemon: PENDING → STARTING with the next attempt, and the command that spawns it. Any
 * number of instances may try at once: the locks on the task and the daemon let one of them do it, once.
 * @returns whether it was started; when not, nothing has changed
 */
export async function claimLocked(tx: Transaction, task: Task): Promise<boolean> {
  const contract = await readRow(tx.em, Contract, { id: task.contractId });
  if (contract?.status !== 'ACTIVE' || (await isBudgetUsedUp(tx, contract))) return false;
  const supervising = { contractId: contract.id, role: 'SUPERVISOR' } as const;
  // One whose copy is shared may have to be moved with it, hence changed.
  const supervisor = task.useOwnWorktree
    ? await readRow(tx.em, Task, supervising)
    : await tx.em.findOne(Task, supervising);
  if (task.role === 'RED_TEAM') {
    const daemon = await chooseDaemon(tx, task, null);
    return daemon !== null && (await start(tx, { task, contract, daemon, copy: null, supervisor }));
  }
  const shared = task.useOwnWorktree ? null : await sharedCopy(tx, supervisor);
  if (!task.useOwnWorktree && !shared) return false;
  const daemon = await chooseDaemon(tx, task, shared);
  if (!daemon) return false;
  const copy = await makeCopy(tx, { task, contract, supervisor, daemon, shared });
  return start(tx, { task, contract, daemon, copy, supervisor });
}

async function isBudgetUsedUp(tx: Transaction, { id, budgetUsd }: Contract): Promise<boolean> {
  if (typeof budgetUsd !== 'number') return false;
  const { costUsd } = await tx.em.findOneOrFail(ContractCounter, { contractId: id });
  return costUsd >= budgetUsd;
}

interface Start {
  readonly task: Task;
  readonly contract: Contract;
  readonly daemon: Daemon;
  /** null for the red team, which has none. */
  readonly copy: Copy | null;
  readonly supervisor: Task | null;
}

async function start(tx: Transaction, { task, contract, daemon, copy, supervisor }: Start): Promise<true> {
  const attempt = task.attempt + 1;
  const payload = await spawnPayload(tx, { task, attempt, contract, daemon, copy, supervisor });
  await moveTask(tx, task, 'STARTING', 'scheduler', {
    attempt,
    daemonId: daemon.id,
    worktreeId: copy?.worktree.id ?? null,
  });
  if (contract.redTeamEnabled) tx.ring(topics.supervision);
  task.claimedAt = tx.now;
  task.startsAnew = false;
  tx.insert(TaskAttempt, { taskId: task.id, attempt, daemonId: daemon.id, startedAt: tx.now });
  issueCommand(tx, {
    daemonId: daemon.id,
    taskId: task.id,
    attempt,
    type: 'SPAWN_TASK',
    payload: { ...payload },
  });
  return true;
}
