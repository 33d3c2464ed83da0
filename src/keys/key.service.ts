import { createHash, randomBytes } from 'node:crypto';
import { type RawBuilder, sql } from 'kysely';
import { kysely } from '../platform/database.ts';
import { topics } from '../platform/doorbell.ts';
import type { Row } from '../platform/entity-table.ts';
import { fromUuid, type Id, newId, toUuid } from '../platform/ids.ts';
import type { Transaction } from '../platform/transaction.ts';
import { Key, type StoredKeyKind } from './key.entity.ts';

const KEY = /^tmk_(user|task|daemon)_[A-Za-z0-9_-]{43}$/;

/** Whether it has the form of a key; it may still be nobody's. */
export function isKey(text: string): boolean {
  return KEY.test(text);
}

/** A new key: 256 random bits with its kind in front, so that secret scanners recognise it. */
export function generateKey(kind: StoredKeyKind): { key: string; hash: string } {
  const key = `tmk_${kind.toLowerCase()}_${randomBytes(32).toString('base64url')}`;
  return { key, hash: hashKey(key) };
}

/** As a key is stored. */
export function hashKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

export interface NewKey {
  readonly kind: StoredKeyKind;
  readonly name: string;
  readonly ownerId: Id<'owner'>;
  readonly taskId?: Id<'task'>;
  readonly attempt?: number;
  readonly daemonId?: Id<'daemon'> | null;
  readonly expiresAt?: Date | null;
}

/** Makes a key. What is returned is the only time it is seen. */
export function issueKey(tx: Transaction, input: NewKey): string {
  return makeKey(tx, input).key;
}

/** The same, with what is stored of it. */
export function makeKey(tx: Transaction, input: NewKey): { key: string; record: Key } {
  const { key, hash } = generateKey(input.kind);
  const record = tx.em.create(Key, {
    id: newId('key'),
    ownerId: input.ownerId,
    kind: input.kind,
    name: input.name,
    hash,
    taskId: input.taskId ?? null,
    attempt: input.attempt ?? null,
    daemonId: input.daemonId ?? null,
    expiresAt: input.expiresAt ?? null,
    createdAt: tx.now,
  });
  return { key, record };
}

/** Revokes the tool keys of a task at once: what comes of it in this transaction is a new one. */
export function revokeTaskKeys(tx: Transaction, taskId: Id<'task'>): Promise<void> {
  return revokeNow(tx, sql`task_id = ${toUuid(taskId)}`);
}

const ended = new WeakMap<Transaction, string[]>();

/** The same, of a task that is locked, along with the log. */
export function endTaskKeys(tx: Transaction, taskId: Id<'task'>): void {
  let ids = ended.get(tx);
  if (!ids) {
    const all: string[] = [];
    tx.ride(
      () => revocation(tx, sql`task_id = any(${all}::uuid[])`),
      (rows) => tellRevoked(tx, rows),
    );
    ended.set(tx, all);
    ids = all;
  }
  ids.push(toUuid(taskId));
}

/** Revokes the keys of a daemon. */
export function revokeDaemonKeys(tx: Transaction, daemonId: Id<'daemon'>): Promise<void> {
  return revokeNow(tx, sql`daemon_id = ${toUuid(daemonId)}`);
}

async function revokeNow(tx: Transaction, which: RawBuilder<unknown>): Promise<void> {
  const { rows } = await revocation(tx, which).execute(kysely(tx.statements));
  tellRevoked(tx, rows as Row[]);
}

function revocation(tx: Transaction, which: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`update key set revoked_at = ${tx.now.toISOString()} where ${which} and revoked_at is null returning id`;
}

function tellRevoked(tx: Transaction, rows: readonly Row[]): void {
  for (const { id } of rows) tx.ring(topics.key(fromUuid('key', String(id))));
}
