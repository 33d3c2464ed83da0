import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { Checkpoint } from '../checkpoints/checkpoint.entity.ts';
import { Contract } from '../contracts/contract.entity.ts';
import { issueCommand } from '../daemons/command.service.ts';
import { Daemon } from '../daemons/daemon.entity.ts';
import { kysely } from '../platform/database.ts';
import { fromUuid, type Id, newId, toUuid } from '../platform/ids.ts';
import type { Restore, SpawnTaskPayload } from '../platform/protocol.ts';
import type { Runtime } from '../platform/runtime.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { Task } from '../tasks/task.entity.ts';
import { moveTask } from '../tasks/task.moves.ts';
import { TaskAttempt } from '../tasks/task-attempt.entity.ts';
import { Worktree } from '../worktrees/worktree.entity.ts';

const CANDIDATES = 200;

/**
 * PENDING tasks of open contracts that some connected daemon could take now, by priority then age. What nobody can take
 * (a queue behind a full daemon, a profile or a path that none offers, a shared copy that is not there) is left out here
 * already: a limit that it filled would keep the tasks of everybody else from starting.
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
    select t.id from task t join contract c on c.id = t.contract_id
    where t.status = 'PENDING' and c.status = 'ACTIVE' and exists (
      select 1 from able d
      where d.owner_id = t.owner_id and t.agent = any(d.agents) and (d.free or t.role <> 'WORK')
        and (t.repository_path is null or exists (
          select 1 from unnest(d.local_paths) as allowed
          where t.repository_path = allowed or starts_with(t.repository_path, regexp_replace(allowed, '/$', '') || '/')
        ))
        and (t.use_own_worktree or exists (
          select 1 from task s join worktree w on w.id = s.worktree_id
          where s.contract_id = t.contract_id and s.role = 'SUPERVISOR' and w.path is not null and w.daemon_id = d.id
        ))
    )
    order by t.priority desc, t.id limit ${CANDIDATES}`.execute(kysely(runtime.db.fork()));
  return rows.map((row) => fromUuid('task', row.id));
}

/**
 * Gives a task to a daemon, in one transaction: PENDING → STARTING with the next attempt, and the command that spawns
 * it. Any number of instances may try at once: the locks on the task and the daemon let one of them do it, once.
 * @returns whether it was started
 */
export function claimTask(runtime: Runtime, taskId: Id<'task'>): Promise<boolean> {
  return transact(runtime, async (tx) => {
    const task = await tx.em.findOne(
      Task,
      { id: taskId, status: 'PENDING' },
      { lockMode: LockMode.PESSIMISTIC_PARTIAL_WRITE },
    );
    if (!task) return false;
    const contract = await tx.em.findOneOrFail(Contract, { id: task.contractId });
    if (contract.status !== 'ACTIVE') return false;
    const supervisor = await tx.em.findOne(Task, { contractId: contract.id, role: 'SUPERVISOR' });
    const shared = task.useOwnWorktree ? null : await sharedWorktree(tx, supervisor);
    if (!task.useOwnWorktree && !shared) return false;
    const daemon = await chooseDaemon(tx, task, shared);
    if (!daemon) return false;
    const worktree = shared ?? (await ownWorktree(tx, task, contract, daemon));
    await start(tx, { task, contract, daemon, worktree, shared: shared !== null, supervisor });
    return true;
  });
}

/** Where the supervisor works, once its daemon has made the copy: before that there is nothing to share. */
async function sharedWorktree(tx: Transaction, supervisor: Task | null): Promise<Worktree | null> {
  if (!supervisor?.worktreeId) return null;
  const worktree = await tx.em.findOneOrFail(Worktree, { id: supervisor.worktreeId });
  return worktree.path ? worktree : null;
}

/**
 * The least loaded daemon that qualifies, locked. Only work tasks count against its capacity: a supervisor that waits
 * for its tasks must not keep them from starting.
 */
async function chooseDaemon(tx: Transaction, task: Task, shared: Worktree | null): Promise<Daemon | null> {
  const daemons = await tx.em.find(
    Daemon,
    { ownerId: task.ownerId, status: 'CONNECTED', ...(shared ? { id: shared.daemonId } : {}) },
    // In the order of ids: two claims that lock the same daemons never wait for each other in a circle.
    { orderBy: { id: 'asc' }, lockMode: LockMode.PESSIMISTIC_WRITE },
  );
  const able = daemons.filter(
    (daemon) => daemon.agents.includes(task.agent) && allowsPath(daemon, task.repositoryPath ?? null),
  );
  if (able.length === 0) return null;
  const load = await loadOf(tx, able);
  const free = able.filter(
    (daemon) => task.role !== 'WORK' || (load.get(daemon.id) ?? 0) < daemon.maxConcurrentTasks,
  );
  const untried = free.filter((daemon) => !task.failedDaemons.includes(daemon.id));
  // One that failed it before is taken only when no other could ever do it.
  const others = able.some((daemon) => !task.failedDaemons.includes(daemon.id));
  const choice = untried.length > 0 || others ? untried : free;
  return choice.sort((a, b) => (load.get(a.id) ?? 0) - (load.get(b.id) ?? 0))[0] ?? null;
}

/** Whether a daemon may use a repository on its machine. */
export function allowsPath(daemon: Daemon, path: string | null): boolean {
  return (
    path === null ||
    daemon.localPaths.some((allowed) => path === allowed || path.startsWith(`${allowed.replace(/\/$/, '')}/`))
  );
}

async function loadOf(tx: Transaction, daemons: readonly Daemon[]): Promise<Map<Id<'daemon'>, number>> {
  const ids = sql.join(daemons.map((daemon) => sql`${toUuid(daemon.id)}`));
  const { rows } = await sql<{ daemon_id: string; running: number }>`
    select daemon_id, count(*)::int as running from task
    where role = 'WORK' and status in ('STARTING', 'RUNNING', 'CANCELLING') and daemon_id in (${ids})
    group by daemon_id`.execute(kysely(tx.em));
  return new Map(rows.map((row) => [fromUuid('daemon', row.daemon_id), row.running]));
}

/** Its own copy: the one it had when that is on this daemon, else a new one that continues it. */
async function ownWorktree(
  tx: Transaction,
  task: Task,
  contract: Contract,
  daemon: Daemon,
): Promise<Worktree> {
  const before = task.worktreeId ? await tx.em.findOneOrFail(Worktree, { id: task.worktreeId }) : null;
  if (before?.daemonId === daemon.id) return before;
  const id = newId('worktree');
  const worktree = tx.em.create(Worktree, {
    id,
    originId: before?.originId ?? id,
    contractId: contract.id,
    daemonId: daemon.id,
    repositoryUrl: task.repositoryUrl ?? null,
    repositoryPath: task.repositoryPath ?? null,
    branch: before?.branch ?? branchName(contract, task),
    baseBranch: before?.baseBranch ?? task.baseBranch ?? null,
    createdAt: tx.now,
  });
  await tx.em.flush();
  return worktree;
}

/** `taskmesh/CONTRACT/TASK`, each with the end of its id, which makes it unique and leads back to it. */
export function branchName(
  contract: Pick<Contract, 'id' | 'name'>,
  task: Pick<Task, 'id' | 'name' | 'role'>,
): string {
  const name = task.role === 'SUPERVISOR' ? 'main' : `${slug(task.name)}-${task.id.slice(-6)}`;
  return `taskmesh/${slug(contract.name)}-${contract.id.slice(-6)}/${name}`;
}

function slug(name: string): string {
  const words = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  return words.replace(/^-+/, '').slice(0, 40).replace(/-+$/, '') || 'unnamed';
}

interface Start {
  readonly task: Task;
  readonly contract: Contract;
  readonly daemon: Daemon;
  readonly worktree: Worktree;
  readonly shared: boolean;
  readonly supervisor: Task | null;
}

async function start(
  tx: Transaction,
  { task, contract, daemon, worktree, shared, supervisor }: Start,
): Promise<void> {
  const attempt = task.attempt + 1;
  await moveTask(tx, task, 'STARTING', 'scheduler', {
    attempt,
    daemonId: daemon.id,
    worktreeId: worktree.id,
  });
  task.claimedAt = tx.now;
  tx.em.create(TaskAttempt, { taskId: task.id, attempt, daemonId: daemon.id, startedAt: tx.now });
  const payload: SpawnTaskPayload = {
    taskId: task.id,
    attempt,
    contractId: contract.id,
    contractName: contract.name,
    name: task.name,
    role: task.role,
    plan: task.plan,
    agent: task.agent,
    repository: { url: worktree.repositoryUrl ?? null, localPath: worktree.repositoryPath ?? null },
    worktree: {
      id: worktree.id,
      mode: shared ? 'SHARED' : 'OWN',
      branch: worktree.branch,
      baseBranch: worktree.baseBranch ?? null,
      // A task starts from what the supervisor has merged so far, unless it was told where to start.
      restore: shared ? null : await restoreOf(tx, worktree),
      baseWorktreeId: task.role === 'WORK' && !task.baseBranch ? (supervisor?.worktreeId ?? null) : null,
    },
    localOnly: contract.localOnly,
    timeLimitMinutes: task.timeLimitMinutes ?? null,
    recovery: attempt > 1 ? await recoveryOf(tx, worktree) : null,
  };
  issueCommand(tx, {
    daemonId: daemon.id,
    taskId: task.id,
    attempt,
    type: 'SPAWN_TASK',
    payload: { ...payload },
  });
}

/** The last checkpoint, for a copy that continues one of another daemon. */
async function restoreOf(tx: Transaction, worktree: Worktree): Promise<Restore | null> {
  if (worktree.originId === worktree.id) return null;
  const checkpoint = await lastCheckpoint(tx, worktree);
  if (!checkpoint) return null;
  const { id, number, commitSha, baseSha, parts } = checkpoint;
  return { checkpointId: id, number, commitSha, baseSha, parts };
}

async function lastCheckpoint(tx: Transaction, worktree: Worktree): Promise<Checkpoint | null> {
  const { originId } = worktree;
  const [last] = await tx.em.find(Checkpoint, { originId }, { orderBy: { number: 'desc' }, limit: 1 });
  return last ?? null;
}

/** What an agent that is started again is told, so that it does not begin from nothing. */
async function recoveryOf(tx: Transaction, worktree: Worktree): Promise<string> {
  if (worktree.path) return 'You are started again. Your working copy is as you left it.';
  const checkpoint = await lastCheckpoint(tx, worktree);
  return checkpoint
    ? `You were interrupted. Your working copy is at checkpoint ${checkpoint.number}, on another machine: what came later is not in it.`
    : 'You were interrupted before your work was saved. Your working copy is new.';
}
