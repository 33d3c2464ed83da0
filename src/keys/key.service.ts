import { createHash, randomBytes } from 'node:crypto';
import { type RawBuilder, sql } from 'kysely';
import { kysely } from '../platform/database.ts';
import { topics } from '../platform/doorbell.ts';
import { fromUuid, type Id, newId, toUuid } from '../platform/ids.ts';
import type { Principal } from '../platform/principal.ts';
import type { Operation, Runtime } from '../platform/runtime.ts';
import { requiredText } from '../platform/text.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { Key, type StoredKeyKind } from './key.entity.ts';
import { authorize } from './permissions.ts';

const KEY = /^tmk_(user|task|daemon)_[A-Za-z0-9_-]{43}$/;

/** A new key: 256 random bits with its kind in front, so that secret scanners recognise it. */
function generateKey(kind: StoredKeyKind): { key: string; hash: string } {
  const key = `tmk_${kind.toLowerCase()}_${randomBytes(32).toString('base64url')}`;
  return { key, hash: hashKey(key) };
}

function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

interface KeyRow {
  id: string;
  owner_id: string;
  kind: StoredKeyKind;
  name: string;
  task_id: string | null;
  attempt: number | null;
  daemon_id: string | null;
  task_attempt: number | null;
  role: 'SUPERVISOR' | 'WORK' | 'RED_TEAM' | null;
  contract_id: string | null;
}

/**
 * Finds out who a key belongs to.
 * @returns null when it is unknown, expired, revoked, or that of an attempt that is over
 */
export async function authenticate(runtime: Runtime, key: string): Promise<Principal | null> {
  if (!KEY.test(key)) return null;
  const { rows } = await sql<KeyRow>`
    select k.id, k.owner_id, k.kind, k.name, k.task_id, k.attempt, k.daemon_id,
           t.attempt as task_attempt, t.role, t.contract_id
    from key k left join task t on t.id = k.task_id
    where k.hash = ${hashKey(key)} and k.revoked_at is null
      and (k.expires_at is null or k.expires_at > ${runtime.clock.now().toISOString()})`.execute(
    kysely(runtime.db.fork()),
  );
  return rows[0] ? principalOf(rows[0]) : null;
}

function principalOf(row: KeyRow): Principal | null {
  const holder = {
    ownerId: fromUuid('owner', row.owner_id),
    keyId: fromUuid('key', row.id),
    keyName: row.name,
  };
  if (row.kind === 'USER') return { kind: 'USER', ...holder };
  if (row.kind === 'DAEMON') {
    return {
      kind: 'DAEMON',
      ...holder,
      daemonId: row.daemon_id === null ? null : fromUuid('daemon', row.daemon_id),
    };
  }
  if (row.task_id === null || row.contract_id === null || row.role === null) return null;
  if (row.attempt === null || row.attempt !== row.task_attempt) return null;
  return {
    kind: row.role,
    ...holder,
    taskId: fromUuid('task', row.task_id),
    contractId: fromUuid('contract', row.contract_id),
    attempt: row.attempt,
  };
}

export interface NewKey {
  readonly kind: StoredKeyKind;
  readonly name: string;
  readonly ownerId: Id<'owner'>;
  readonly taskId?: Id<'task'>;
  readonly attempt?: number;
}

/** Makes a key. What is returned is the only time it is seen. */
export function issueKey(tx: Transaction, input: NewKey): string {
  const { key, hash } = generateKey(input.kind);
  tx.em.create(Key, {
    id: newId('key'),
    ownerId: input.ownerId,
    kind: input.kind,
    name: input.name,
    hash,
    taskId: input.taskId ?? null,
    attempt: input.attempt ?? null,
    createdAt: tx.now,
  });
  return key;
}

/** Revokes the tool keys of a task: of one attempt, or of all that came before the present one. */
export function revokeTaskKeys(tx: Transaction, taskId: Id<'task'>): Promise<void> {
  return revoke(tx, sql`task_id = ${toUuid(taskId)}`);
}

/** Revokes the keys of a daemon. */
export function revokeDaemonKeys(tx: Transaction, daemonId: Id<'daemon'>): Promise<void> {
  return revoke(tx, sql`daemon_id = ${toUuid(daemonId)}`);
}

async function revoke(tx: Transaction, which: RawBuilder<unknown>): Promise<void> {
  const { rows } = await sql<{ id: string }>`
    update key set revoked_at = ${tx.now.toISOString()} where ${which} and revoked_at is null returning id`.execute(
    kysely(tx.em),
  );
  for (const row of rows) tx.ring(topics.key(fromUuid('key', row.id)));
}

/** The owner makes a key for a person or a daemon. */
export async function createKey(
  op: Operation,
  input: { kind: 'USER' | 'DAEMON'; name: string },
): Promise<{ key: string; name: string; kind: 'USER' | 'DAEMON' }> {
  authorize(op.principal, 'own');
  const name = requiredText(input.name, 'name', 100);
  return transact(op.runtime, async (tx) => ({
    key: issueKey(tx, { kind: input.kind, name, ownerId: op.principal.ownerId }),
    name,
    kind: input.kind,
  }));
}
