import { sql } from 'kysely';
import { issueAlong } from '../daemons/command.service.ts';
import { kysely } from '../platform/database.ts';
import { topics } from '../platform/doorbell.ts';
import { fromUuid, type Id, toUuid } from '../platform/ids.ts';
import { rowOf } from '../platform/read-rows.ts';
import type { Runtime } from '../platform/runtime.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { Task } from '../tasks/task.entity.ts';
import { moveTask } from '../tasks/task.moves.ts';
import { TaskAttempt } from '../tasks/task-attempt.entity.ts';
import { chooseDaemon, type Daemons } from './choose-daemon.ts';
import { makeCopy, sharedCopy } from './copies.ts';
import { type Start, spawnPayload } from './spawn-payload.ts';
import { readToStart, type Surroundings, surroundings } from './surroundings.ts';

const CANDIDATES = 200;
/** Of an owner, besides some for each free place: some may not fit after all. */
const OF_AN_OWNER = 100;
/** How long a claim waits for a lock: others stand behind it. Milliseconds. */
const LOCK_MS = 1_000;

export interface Candidate {
  readonly id: Id<'task'>;
  readonly ownerId: Id<'owner'>;
  readonly contractId: Id<'contract'>;
}

/**
 * PENDING tasks of open contracts that some connected daemon could take now, each owner's by priority then age, and the
 * owners in turns. What nobody can take (a queue behind a full daemon, a profile or a path that none offers, a shared copy
 * that is not there, a budget that is used up) is left out here already: a limit that it filled would keep others from
 * starting. Of tasks that any daemon would take alike there are no more than the owner has places.
 * @param except contracts that are passed over
 */
export async function candidates(
  runtime: Runtime,
  except: Iterable<Id<'contract'>> = [],
): Promise<Candidate[]> {
  const { rows } = await looking([...except].map(toUuid)).execute(kysely(runtime.db.statements));
  return rows.map((row) => ({
    id: fromUuid('task', row.id),
    ownerId: fromUuid('owner', row.owner_id),
    contractId: fromUuid('contract', row.contract_id),
  }));
}

const columns = sql`
  t.id, t.owner_id, t.contract_id, t.role, t.priority, t.agent, t.repository_path, t.failed_daemons, t.use_own_worktree`;

/** Whether its contract lets task `t` start, and one of the daemons of its owner `o` could take it. */
const isStartable = sql`
  exists (
    select 1 from contract c join contract_counter k on k.contract_id = c.id
    where c.id = t.contract_id and c.status = 'ACTIVE' and (c.budget_usd is null or k.cost_usd < c.budget_usd)
  ) and exists (
    select 1 from unnest(o.daemons) as d (id uuid, agents text[], local_paths text[], free bigint)
    where t.agent = any(d.agents) and (d.free > 0 or t.role <> 'WORK')
      and (t.repository_path is null or exists (
        select 1 from unnest(d.local_paths) as allowed
        where t.repository_path = allowed or starts_with(t.repository_path, regexp_replace(allowed, '/$', '') || '/')
      ))
      and (t.use_own_worktree or t.role = 'RED_TEAM' or exists (
        select 1 from task s join worktree w on w.id = s.worktree_id join daemon h on h.id = w.daemon_id
        where s.contract_id = t.contract_id and s.role = 'SUPERVISOR' and w.path is not null and (
          w.daemon_id = d.id or h.status = 'DISCONNECTED' and s.status not in ('PENDING', 'STARTING', 'RUNNING'))
      ))
  )`;

/**
 * Owners with nothing PENDING are passed over at once: a look costs what waits, not who is there (ADR 23). `offset 0` keeps
 * PostgreSQL from joining all daemons, which it takes to be quicker since it does not know how few owners wait.
 */
function looking(except: readonly string[]) {
  return sql<{ id: string; owner_id: string; contract_id: string }>`
    with recursive waiting as (
      (select owner_id from task where status = 'PENDING' order by owner_id limit 1)
      union all
      select next.owner_id from waiting cross join lateral (
        select t.owner_id from task t where t.status = 'PENDING' and t.owner_id > waiting.owner_id
        order by t.owner_id limit 1
      ) as next
    ), able as materialized (
      select there.* from waiting cross join lateral (
        select d.id, d.owner_id, d.agents, d.local_paths, d.max_concurrent_tasks - (
          select count(*) from task r
          where r.daemon_id = d.id and r.role = 'WORK' and r.status in ('STARTING', 'RUNNING', 'CANCELLING')
        ) as free
        from daemon d where d.owner_id = waiting.owner_id and d.status = 'CONNECTED' offset 0
      ) as there
    ), fitting as (
      select t.id, t.owner_id, t.contract_id, t.role, t.priority, o.free, row_number() over (
        partition by t.owner_id, t.role, t.agent, t.repository_path, t.failed_daemons,
          case when not t.use_own_worktree then t.contract_id end
        order by t.priority desc, t.id
      ) as place
      from (
        select owner_id, sum(greatest(free, 0)) as free, array_agg(row(id, agents, local_paths, free)) as daemons
        from able group by owner_id
      ) as o
      cross join lateral (
        (select ${columns} from task t where o.free > 0 and t.owner_id = o.owner_id and t.status = 'PENDING' and t.role = 'WORK'
          and t.contract_id <> all(${except}::uuid[]) and ${isStartable} order by t.priority desc, t.id limit ${OF_AN_OWNER} + 4 * o.free)
        union all
        (select ${columns} from task t where t.owner_id = o.owner_id and t.status = 'PENDING' and t.role <> 'WORK'
          and t.contract_id <> all(${except}::uuid[]) and ${isStartable} order by t.priority desc, t.id limit ${OF_AN_OWNER})
      ) as t
    ), chosen as (
      select *, row_number() over (partition by owner_id order by priority desc, id) as turn
      from fitting where role <> 'WORK' or place <= free
    )
    select id, owner_id, contract_id from chosen
    order by turn, priority desc, id limit ${CANDIDATES}`;
}

const patience = {
  statement: sql`select set_config('lock_timeout', ${String(LOCK_MS)}, true)`,
  read: () => LOCK_MS,
};

/** BUSY: somebody else has something that it takes, and nobody will say when not any more. */
export type Claimed = 'STARTED' | 'NOT_NOW' | 'BUSY';

/**
 * Gives a task to a daemon, in one transaction of its own. Any number of instances may try at once: the locks on the daemons
 * and the task let one of them do it, once.
 */
export function claimTask(runtime: Runtime, { id, ownerId, contractId }: Candidate): Promise<Claimed> {
  const isPending = sql`exists (select 1 from task where id = ${toUuid(id)} and status = 'PENDING')`;
  const lock = 'no key update skip locked';
  return transact(runtime, async (tx) => {
    const {
      task,
      patience: _,
      ...around
    } = await readToStart(
      tx.statements,
      { ownerId, lock: 'no key update', condition: isPending },
      {
        ...surroundings(tx.statements, contractId),
        task: rowOf(tx.statements, Task, { id, status: 'PENDING' }, { lock }),
      },
      { patience },
    );
    return task ? claim(tx, tx.follow(Task, task), around, 'record') : 'BUSY';
  });
}

/**
 * Gives a locked PENDING task to a daemon: PENDING → STARTING with the next attempt, and the command that spawns it.
 * @returns BUSY also while somebody else has one of the daemons: it may be the one that has the task's session and copy
 */
export async function claimLocked(tx: Transaction, task: Task): Promise<Claimed> {
  const { ownerId, contractId } = task;
  const locking = { ownerId, lock: 'no key update skip locked', condition: sql`true` } as const;
  const around = await readToStart(tx.statements, locking, surroundings(tx.statements, contractId));
  if (!hasAll(around)) return 'BUSY';
  // The ORM stores the task before what goes along with the log.
  return claim(tx, task, around, 'insertNow');
}

/** Whether daemons that were locked without waiting are all that there are. */
export function hasAll({ daemons, running }: Daemons): boolean {
  return daemons.length === running.size;
}

/**
 * The same for a task that this transaction stores, or has locked and follows. Whoever holds daemons waits for no task.
 * @param add how the working copy is stored that the task refers to
 * @returns when it is not STARTED, nothing has changed
 */
export async function claim(
  tx: Transaction,
  task: Task,
  around: Surroundings & Daemons,
  add: 'record' | 'insertNow',
): Promise<Claimed> {
  const { contract, counter, supervisor, repositories, documents } = around;
  if (contract?.status !== 'ACTIVE') return 'NOT_NOW';
  if (typeof contract.budgetUsd === 'number' && Number(counter?.costUsd) >= contract.budgetUsd)
    return 'NOT_NOW';
  const start = { task, contract, supervisor, repositories, documents };
  if (task.role === 'RED_TEAM') {
    const daemon = await chooseDaemon(tx, task, null, around);
    return daemon ? begin(tx, { ...start, daemon, copy: null }) : 'NOT_NOW';
  }
  const shared = task.useOwnWorktree ? null : await sharedCopy(tx, around);
  if (!task.useOwnWorktree && !shared) return 'NOT_NOW';
  const daemon = await chooseDaemon(tx, task, shared, around);
  if (!daemon) return 'NOT_NOW';
  const copy = await makeCopy(tx, { task, contract, daemon, shared, add });
  return copy ? begin(tx, { ...start, daemon, copy }) : 'BUSY';
}

async function begin(tx: Transaction, start: Omit<Start, 'attempt'>): Promise<'STARTED'> {
  const { task, contract, daemon, copy } = start;
  const attempt = task.attempt + 1;
  const payload = await spawnPayload(tx, { ...start, attempt });
  moveTask(tx, task, 'STARTING', 'scheduler', {
    attempt,
    daemonId: daemon.id,
    worktreeId: copy?.worktree.id ?? null,
  });
  if (contract.redTeamEnabled) tx.ring(topics.supervision(contract.id));
  task.claimedAt = tx.now;
  task.startsAnew = false;
  tx.record(TaskAttempt, { taskId: task.id, attempt, daemonId: daemon.id, startedAt: tx.now });
  const command = { daemonId: daemon.id, taskId: task.id, attempt, type: 'SPAWN_TASK' } as const;
  // In a working copy of its own nobody else was told to do anything.
  const isFirst = attempt === 1 && task.useOwnWorktree;
  issueAlong(tx, { ...command, payload: { ...payload } }, isFirst);
  return 'STARTED';
}
