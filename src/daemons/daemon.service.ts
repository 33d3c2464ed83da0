import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { recordHistory } from '../events/history.ts';
import { Key } from '../keys/key.entity.ts';
import { authorize } from '../keys/permissions.ts';
import { kysely } from '../platform/database.ts';
import { topics } from '../platform/doorbell.ts';
import { DomainError, notFound } from '../platform/errors.ts';
import { type Id, newId, parseId, toUuid } from '../platform/ids.ts';
import type { Operation } from '../platform/runtime.ts';
import { move } from '../platform/states.ts';
import { boundedInt, checkedText, requiredText } from '../platform/text.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { callingDaemonId, checkEpoch } from './command.service.ts';
import { Daemon } from './daemon.entity.ts';
import { DAEMON_MOVES } from './daemon.states.ts';

export interface Registration {
  readonly name: string;
  readonly hostname: string;
  readonly version: string;
  readonly agents: readonly string[];
  readonly localPaths?: readonly string[] | null | undefined;
  readonly maxConcurrentTasks: number;
}

/**
 * No stronger than `no key`: whoever holds a task and is about to write a command needs the daemon's key, and whoever locks
 * a daemon is about to wait for its tasks.
 */
export async function lockDaemon(tx: Transaction, id: Id<'daemon'>): Promise<void> {
  await sql`select 1 from daemon where id = ${toUuid(id)} for no key update`.execute(kysely(tx.statements));
}

/**
 * A daemon introduces itself. The key's first registration makes the daemon and binds the key to it; later ones are the
 * same daemon again with the next epoch, which fences every older connection of it.
 */
export async function registerDaemon(op: Operation, input: Registration): Promise<Daemon> {
  authorize(op.principal, 'report');
  const fields = {
    name: requiredText(input.name, 'name', 100),
    hostname: requiredText(input.hostname, 'hostname', 255),
    daemonVersion: requiredText(input.version, 'version', 100),
    agents: input.agents.map((agent) => requiredText(agent, 'agents', 100)),
    localPaths: (input.localPaths ?? []).map((path) => checkedText(path, 'localPaths', 4_000)),
    maxConcurrentTasks: boundedInt(input.maxConcurrentTasks, 'maxConcurrentTasks', 1, 1_000),
  };
  // A key is bound to its daemon once: at a first registration another one can come in between.
  for (;;) {
    const daemon = await register(op, fields);
    if (daemon) return daemon;
  }
}

/** @returns null when the key was bound meanwhile: nothing was done */
function register(
  op: Operation,
  fields: Pick<
    Daemon,
    'name' | 'hostname' | 'daemonVersion' | 'agents' | 'localPaths' | 'maxConcurrentTasks'
  >,
): Promise<Daemon | null> {
  const id = op.principal.keyId as Id<'key'>;
  return transact(op.runtime, async (tx) => {
    // The daemon before its keys, as it does who removes it.
    const { daemonId } = await tx.em.findOneOrFail(Key, { id });
    if (daemonId) await lockDaemon(tx, daemonId);
    const key = await tx.em.findOneOrFail(
      Key,
      { id },
      { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true },
    );
    if (key.daemonId !== daemonId) return null;
    // Both were removed at this moment, perhaps, and the key was good when the call came.
    if (key.revokedAt) throw new DomainError('UNAUTHENTICATED', 'This key was revoked. Create another one.');
    let daemon = daemonId ? await tx.em.findOneOrFail(Daemon, { id: daemonId }) : null;
    if (daemon) {
      const status = daemon.draining ? 'DRAINING' : 'CONNECTED';
      tx.em.assign(daemon, { ...fields, status, epoch: daemon.epoch + 1, lastHeartbeatAt: tx.now });
    } else {
      daemon = tx.em.create(Daemon, {
        id: newId('daemon'),
        ownerId: op.principal.ownerId,
        ...fields,
        status: 'CONNECTED',
        epoch: 1,
        lastHeartbeatAt: tx.now,
        createdAt: tx.now,
      });
      await tx.em.flush();
      key.daemonId = daemon.id;
      recordHistory(tx, op, {
        action: 'daemon.registered',
        details: { daemonId: daemon.id, name: daemon.name },
      });
    }
    tx.ring(topics.daemon(daemon.id));
    tx.ring(topics.schedule);
    return daemon;
  });
}

/** @throws DomainError STALE_EPOCH when this connection was replaced or given up */
export async function heartbeatDaemon(op: Operation, input: { epoch: number }): Promise<Daemon> {
  const id = callingDaemonId(op);
  const em = op.runtime.db.fork();
  const beat = await sql`
    update daemon set last_heartbeat_at = ${op.runtime.clock.now().toISOString()}
    where id = ${toUuid(id)} and epoch = ${input.epoch} and status <> 'DISCONNECTED' returning 1 as beat`.execute(
    kysely(em),
  );
  const daemon = await em.findOneOrFail(Daemon, { id });
  if (beat.rows.length === 0) checkEpoch(daemon, input.epoch);
  return daemon;
}

/** The owner's daemons, oldest first. */
export async function listDaemons(op: Operation): Promise<Daemon[]> {
  authorize(op.principal, 'own');
  return op.em.find(Daemon, { ownerId: op.principal.ownerId, removedAt: null }, { orderBy: { id: 'asc' } });
}

/** A draining daemon finishes what it has and takes nothing new. */
export async function drainDaemon(
  op: Operation,
  input: { daemonId: string; draining?: boolean | null | undefined },
): Promise<Daemon> {
  authorize(op.principal, 'own');
  const id = parseId('daemon', input.daemonId, 'daemonId');
  return transact(op.runtime, async (tx) => {
    const daemon = await tx.em.findOne(
      Daemon,
      { id, ownerId: op.principal.ownerId },
      { lockMode: LockMode.PESSIMISTIC_WRITE },
    );
    if (!daemon) throw notFound('daemon', id);
    daemon.draining = input.draining ?? true;
    const wanted = daemon.draining ? 'DRAINING' : 'CONNECTED';
    if (daemon.status !== 'DISCONNECTED' && daemon.status !== wanted) move(DAEMON_MOVES, daemon, wanted);
    recordHistory(tx, op, {
      action: 'daemon.drained',
      details: { daemonId: id, draining: daemon.draining },
    });
    tx.ring(topics.schedule);
    return daemon;
  });
}

/** @throws DomainError NOT_FOUND also for another owner's */
export async function getDaemon(op: Operation, daemonId: string): Promise<Daemon> {
  const id = parseId('daemon', daemonId, 'id');
  const own = op.principal.kind === 'DAEMON' && op.principal.daemonId === id;
  if (!own) authorize(op.principal, 'own');
  const daemon = await op.em.findOne(Daemon, { id, ownerId: op.principal.ownerId });
  if (!daemon) throw notFound('daemon', id);
  return daemon;
}
