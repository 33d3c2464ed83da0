import { sql } from 'kysely';
import { allowsPath } from '../daemons/allows-path.ts';
import { Daemon } from '../daemons/daemon.entity.ts';
import { kysely } from '../platform/database.ts';
import { fromUuid, type Id, toUuid } from '../platform/ids.ts';
import { readRows } from '../platform/read-rows.ts';
import type { Transaction } from '../platform/transaction.ts';
import { Task } from '../tasks/task.entity.ts';
import { Worktree } from '../worktrees/worktree.entity.ts';
import type { SharedCopy } from './copies.ts';

/**
 * The daemon that is to run a task, locked: of those that qualify the one that has its session or its copy, else the
 * least loaded. Only work tasks count against a capacity: a supervisor that waits for its tasks must not keep them from
 * starting.
 */
export async function chooseDaemon(
  tx: Transaction,
  task: Task,
  shared: SharedCopy | null,
): Promise<Daemon | null> {
  const where = shared && !shared.isGone ? { id: shared.worktree.daemonId } : {};
  // In the order of ids: two claims that lock the same daemons never wait for each other in a circle.
  const connected = { ownerId: task.ownerId, status: 'CONNECTED', ...where };
  const daemons = await readRows(tx.em, Daemon, connected, 'id', { lock: 'no key update' });
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
  const known = await whereItWas(tx, task);
  const rank = (daemon: Daemon) => (known.includes(daemon.id) ? known.indexOf(daemon.id) : known.length);
  return choice.sort((a, b) => rank(a) - rank(b) || (load.get(a.id) ?? 0) - (load.get(b.id) ?? 0))[0] ?? null;
}

/** Daemons that have something of it already, the best first. */
async function whereItWas(tx: Transaction, task: Task): Promise<Id<'daemon'>[]> {
  const copy = task.worktreeId ? await tx.em.findOne(Worktree, { id: task.worktreeId }) : null;
  const before = task.continueFromTaskId ? await tx.em.findOne(Task, { id: task.continueFromTaskId }) : null;
  const known = [copy?.daemonId, task.sessionDaemonId, before?.sessionDaemonId];
  return known.filter((id) => id !== null && id !== undefined);
}

async function loadOf(tx: Transaction, daemons: readonly Daemon[]): Promise<Map<Id<'daemon'>, number>> {
  const ids = sql.join(daemons.map((daemon) => sql`${toUuid(daemon.id)}`));
  const { rows } = await sql<{ daemon_id: string; running: number }>`
    select daemon_id, count(*)::int as running from task
    where role = 'WORK' and status in ('STARTING', 'RUNNING', 'CANCELLING') and daemon_id in (${ids})
    group by daemon_id`.execute(kysely(tx.em));
  return new Map(rows.map((row) => [fromUuid('daemon', row.daemon_id), row.running]));
}
