import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { Command } from '../daemons/command.entity.ts';
import { callingDaemonId, checkEpoch } from '../daemons/command.service.ts';
import { Daemon } from '../daemons/daemon.entity.ts';
import { lockDaemon } from '../daemons/daemon.service.ts';
import { DAEMON_MOVES } from '../daemons/daemon.states.ts';
import { recordHistory } from '../events/history.ts';
import { revokeDaemonKeys } from '../keys/key.service.ts';
import { authorize } from '../keys/permissions.ts';
import { kysely } from '../platform/database.ts';
import { topics } from '../platform/doorbell.ts';
import { notFound } from '../platform/errors.ts';
import { fromUuid, type Id, parseId, toUuid } from '../platform/ids.ts';
import { allOneByOne } from '../platform/one-by-one.ts';
import type { Operation, Runtime } from '../platform/runtime.ts';
import { move } from '../platform/states.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { interruptTask } from '../tasks/interrupt-task.ts';
import { Task } from '../tasks/task.entity.ts';
import { moveTask } from '../tasks/task.moves.ts';
import { withdrawSpawn } from '../tasks/task.service.ts';

/** Silence after which a daemon counts as lost, and how long after its own start a server judges nobody. Milliseconds. */
export const LEASE_MS = 20_000;
export const GRACE_MS = 60_000;
/** How long a daemon has to accept a spawn before it is given to another. Milliseconds. */
export const ACCEPT_MS = 15_000;

/** Gives up the daemons that have been silent for longer than their lease; what they ran is retried elsewhere. */
export async function giveUpLostDaemons(runtime: Runtime): Promise<void> {
  if (runtime.clock.uptimeMs() < GRACE_MS) return;
  const silentSince = { $lt: new Date(runtime.clock.now().getTime() - LEASE_MS) };
  const lost = { status: { $in: ['CONNECTED', 'DRAINING'] as const }, lastHeartbeatAt: silentSince };
  const read = (after: Id<'daemon'> | null) => {
    const behind = after ? { ...lost, id: { $gt: after } } : lost;
    return runtime.db.fork().find(Daemon, behind as never, { limit: 100, orderBy: { id: 'asc' } });
  };
  await allOneByOne(runtime, 'giving up a daemon', read, ({ id }) =>
    transact(runtime, async (tx) => {
      await lockDaemon(tx, id);
      const daemon = await tx.em.findOne(Daemon, { id, ...lost } as never);
      if (!daemon) return;
      await disconnect(tx, daemon, `Daemon ${daemon.name} was silent for more than ${LEASE_MS / 1_000} s.`);
    }),
  );
}

/** A daemon leaves in order. What it still had is given to others. */
export async function disconnectDaemon(op: Operation, input: { epoch: number }): Promise<Daemon> {
  const id = callingDaemonId(op);
  return transact(op.runtime, async (tx) => {
    await lockDaemon(tx, id);
    const daemon = await tx.em.findOneOrFail(Daemon, { id });
    checkEpoch(daemon, input.epoch);
    await disconnect(tx, daemon, `Daemon ${daemon.name} was stopped.`);
    return daemon;
  });
}

/**
 * The owner takes a daemon out of service: its keys are revoked, what it still had is given to others. What it did stays.
 * @throws DomainError NOT_FOUND
 */
export async function removeDaemon(op: Operation, input: { daemonId: string }): Promise<Daemon> {
  authorize(op.principal, 'own');
  const id = parseId('daemon', input.daemonId, 'daemonId');
  return transact(op.runtime, async (tx) => {
    // Before its keys, as it does who registers. A key that takes over from one of them at this moment is revoked with them.
    await lockDaemon(tx, id);
    await sql`select 1 from key where daemon_id = ${toUuid(id)} order by id for no key update`.execute(
      kysely(tx.statements),
    );
    const daemon = await tx.em.findOne(Daemon, { id, ownerId: op.principal.ownerId });
    if (!daemon) throw notFound('daemon', id);
    if (daemon.removedAt) return daemon;
    daemon.removedAt = tx.now;
    if (daemon.status !== 'DISCONNECTED') await disconnect(tx, daemon, `Daemon ${daemon.name} was removed.`);
    await revokeDaemonKeys(tx, id);
    recordHistory(tx, op, { action: 'daemon.removed', details: { daemonId: id, name: daemon.name } });
    return daemon;
  });
}

async function disconnect(tx: Transaction, daemon: Daemon, reason: string): Promise<void> {
  move(DAEMON_MOVES, daemon, 'DISCONNECTED');
  tx.ring(topics.daemon(daemon.id));
  tx.ring(topics.schedule);
  const tasks = await tx.em.find(
    Task,
    { daemonId: daemon.id, status: { $in: ['STARTING', 'RUNNING', 'CANCELLING'] } },
    { lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { id: 'asc' } },
  );
  for (const task of tasks) {
    await withdrawSpawn(tx, task);
    if (task.status === 'CANCELLING') {
      const note = `${task.cancelReason ?? 'Cancelled.'} (confirmed: false) ${reason}`;
      moveTask(tx, task, 'CANCELLED', 'scheduler', { errorMessage: note });
    } else {
      await interruptTask(tx, task, 'scheduler', reason);
    }
  }
}

/** Takes back the spawns that no daemon has accepted in time: STARTING → PENDING. */
export async function withdrawUnaccepted(runtime: Runtime): Promise<void> {
  const before = new Date(runtime.clock.now().getTime() - ACCEPT_MS).toISOString();
  const read = async (after: string | null) => {
    const { rows } = await sql<{ id: string }>`
      select t.id from task t join command c on c.task_id = t.id and c.attempt = t.attempt
      where t.status = 'STARTING' and t.claimed_at < ${before} and c.type = 'SPAWN_TASK' and c.status = 'PENDING'
        and (${after}::uuid is null or t.id > ${after}::uuid)
      order by t.id limit 200`.execute(kysely(runtime.db.statements));
    return rows;
  };
  await allOneByOne(runtime, 'withdrawing a spawn', read, ({ id }) =>
    withdrawOne(runtime, fromUuid('task', id)),
  );
}

function withdrawOne(runtime: Runtime, id: Id<'task'>): Promise<void> {
  return transact(runtime, async (tx) => {
    const spawn = await tx.em.findOne(
      Command,
      { taskId: id, type: 'SPAWN_TASK', status: 'PENDING' },
      { lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { id: 'desc' } },
    );
    const task = await tx.em.findOne(
      Task,
      { id, status: 'STARTING' },
      { lockMode: LockMode.PESSIMISTIC_WRITE },
    );
    if (!task || spawn?.attempt !== task.attempt) return;
    await withdrawSpawn(tx, task);
    moveTask(tx, task, 'PENDING', 'scheduler', { daemonId: null });
  });
}
