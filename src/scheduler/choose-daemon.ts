import { type RawBuilder, sql } from 'kysely';
import { allowsPath } from '../daemons/allows-path.ts';
import { Daemon } from '../daemons/daemon.entity.ts';
import type { Statements } from '../platform/database.ts';
import { fromUuid, type Id, toUuid } from '../platform/ids.ts';
import { type ReadOptions, rowsOf, type Selection } from '../platform/read-rows.ts';
import type { Transaction } from '../platform/transaction.ts';
import { Task } from '../tasks/task.entity.ts';
import { Worktree } from '../worktrees/worktree.entity.ts';
import type { SharedCopy } from './copies.ts';

/** An owner's connected daemons, locked, and how many work tasks each has. */
export interface Daemons {
  readonly daemons: readonly Daemon[];
  readonly running: ReadonlyMap<Id<'daemon'>, number>;
}

/** In the order of ids: two claims that lock the same daemons never wait for each other in a circle. */
export function connectedDaemons(
  em: Statements,
  ownerId: Id<'owner'>,
  lock: NonNullable<ReadOptions['lock']>,
  and: RawBuilder<unknown>,
): Selection<Daemon[]> {
  return rowsOf(em, Daemon, { ownerId, status: 'CONNECTED' }, 'id', { lock, and });
}

/** How many work tasks each connected daemon of an owner has; of none when the condition does not hold. */
export function runningWork(
  ownerId: Id<'owner'>,
  condition: RawBuilder<unknown>,
): Selection<ReadonlyMap<Id<'daemon'>, number>> {
  return {
    statement: sql`
      select d.id, (
        select count(*) from task t
        where t.daemon_id = d.id and t.role = 'WORK' and t.status in ('STARTING', 'RUNNING', 'CANCELLING')
      ) as running
      from daemon d where d.owner_id = ${toUuid(ownerId)} and d.status = 'CONNECTED' and ${condition}`,
    read: (rows) => new Map(rows.map(({ id, running }) => [fromUuid('daemon', String(id)), Number(running)])),
  };
}

/**
 * The daemon that is to run a task: of those that qualify the one that has its session or its copy, else the least loaded.
 * Only work tasks count against a capacity: a supervisor that waits for its tasks must not keep them from starting.
 */
export async function chooseDaemon(
  tx: Transaction,
  task: Task,
  shared: SharedCopy | null,
  { daemons, running }: Daemons,
): Promise<Daemon | null> {
  const place = shared && !shared.isGone ? shared.worktree.daemonId : null;
  const able = daemons.filter(
    (daemon) =>
      (place === null || daemon.id === place) &&
      daemon.agents.includes(task.agent) &&
      allowsPath(daemon, task.repositoryPath ?? null),
  );
  if (able.length === 0) return null;
  const loadOf = (daemon: Daemon) => running.get(daemon.id) ?? 0;
  const free = able.filter((daemon) => task.role !== 'WORK' || loadOf(daemon) < daemon.maxConcurrentTasks);
  const untried = free.filter((daemon) => !task.failedDaemons.includes(daemon.id));
  // One that failed it before is taken only when no other could ever do it.
  const others = able.some((daemon) => !task.failedDaemons.includes(daemon.id));
  const choice = untried.length > 0 || others ? untried : free;
  const known = await whereItWas(tx, task);
  const rank = (daemon: Daemon) => (known.includes(daemon.id) ? known.indexOf(daemon.id) : known.length);
  return choice.sort((a, b) => rank(a) - rank(b) || loadOf(a) - loadOf(b))[0] ?? null;
}

/** Daemons that have something of it already, the best first. */
async function whereItWas(tx: Transaction, task: Task): Promise<Id<'daemon'>[]> {
  const copy = task.worktreeId ? await tx.em.findOne(Worktree, { id: task.worktreeId }) : null;
  const before = task.continueFromTaskId ? await tx.em.findOne(Task, { id: task.continueFromTaskId }) : null;
  const known = [copy?.daemonId, task.sessionDaemonId, before?.sessionDaemonId];
  return known.filter((id) => id !== null && id !== undefined);
}
