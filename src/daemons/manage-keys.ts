import { LockMode } from '@mikro-orm/core';
import { recordHistory } from '../events/history.ts';
import type { Page } from '../graphql/connection.ts';
import { Key } from '../keys/key.entity.ts';
import { generateKey, makeKey } from '../keys/key.service.ts';
import { authorize } from '../keys/permissions.ts';
import { once } from '../keys/requests.ts';
import { topics } from '../platform/doorbell.ts';
import { DomainError, invalidInput, notFound } from '../platform/errors.ts';
import { type Id, parseId } from '../platform/ids.ts';
import type { Operation } from '../platform/runtime.ts';
import { boundedInt, requiredText } from '../platform/text.ts';
import { type Transaction, transact } from '../platform/transaction.ts';

// Beside daemons and not in keys/: what is done here goes into the history, and a daemon's key knows its daemon.

/** Kinds of keys that an owner makes and takes away. Tool keys come and go with the attempts of tasks. */
export type KeyKind = 'USER' | 'DAEMON';
const KINDS: readonly KeyKind[] = ['USER', 'DAEMON'];
/** Longest time for which a rotated key may go on to count: a week, in seconds. */
const MAX_GRACE = 7 * 86_400;

/** A key with what is stored of it. */
export interface IssuedKey {
  readonly key: string;
  readonly record: Key;
}

interface Repeatable {
  readonly requestId?: string | null | undefined;
}

/** The owner makes a key for a person or a daemon. A repeat of the request gives the same one with another secret. */
export async function createKey(
  op: Operation,
  input: Repeatable & { kind: KeyKind; name: string; expiresAt?: Date | null | undefined },
): Promise<IssuedKey> {
  authorize(op.principal, 'own');
  const name = requiredText(input.name, 'name', 100);
  const expiresAt = future(op, input.expiresAt);
  return issueOnce(op, 'createKey', input, async (tx) => {
    const made = makeKey(tx, { kind: input.kind, name, ownerId: op.principal.ownerId, expiresAt });
    recordHistory(tx, op, {
      action: 'key.created',
      details: { keyId: made.record.id, name, kind: input.kind },
    });
    return made;
  });
}

/**
 * Puts another key in a key's place: of the same kind and name, for the same daemon, and with as long to live. The old
 * one stops at once, or after a grace.
 * @throws DomainError NOT_FOUND; INVALID_TRANSITION when it was revoked already
 */
export async function rotateKey(
  op: Operation,
  input: Repeatable & { keyId: string; graceSeconds?: number | null | undefined },
): Promise<IssuedKey> {
  authorize(op.principal, 'own');
  const grace = boundedInt(input.graceSeconds ?? 0, 'graceSeconds', 0, MAX_GRACE);
  return issueOnce(op, 'rotateKey', input, async (tx) => {
    const old = await findKey(tx, op, input.keyId);
    if (old.revokedAt) {
      throw new DomainError(
        'INVALID_TRANSITION',
        `The key ${old.name} was revoked; there is nothing to take over from it. Make a new one.`,
      );
    }
    const lifetime = old.expiresAt ? old.expiresAt.getTime() - old.createdAt.getTime() : null;
    const made = makeKey(tx, {
      kind: old.kind,
      name: old.name,
      ownerId: old.ownerId,
      daemonId: old.daemonId ?? null,
      expiresAt: lifetime === null ? null : new Date(tx.now.getTime() + lifetime),
    });
    const until = new Date(tx.now.getTime() + grace * 1_000);
    if (grace === 0) old.revokedAt = tx.now;
    else if (!old.expiresAt || old.expiresAt > until) old.expiresAt = until;
    recordHistory(tx, op, {
      action: 'key.rotated',
      details: { keyId: old.id, name: old.name, kind: old.kind, newKeyId: made.record.id },
    });
    tx.ring(topics.key(old.id));
    return made;
  });
}

/** Takes a key away, and with it every socket that it opened. Again it changes nothing. */
export async function revokeKey(op: Operation, input: { keyId: string }): Promise<Key> {
  authorize(op.principal, 'own');
  return transact(op.runtime, async (tx) => {
    const key = await findKey(tx, op, input.keyId);
    if (key.revokedAt) return key;
    key.revokedAt = tx.now;
    recordHistory(tx, op, {
      action: 'key.revoked',
      details: { keyId: key.id, name: key.name, kind: key.kind },
    });
    tx.ring(topics.key(key.id));
    return key;
  });
}

export interface KeyPage {
  readonly ended?: boolean | null | undefined;
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

/** The owner's keys for people and daemons, newest first. `ended`: also those that were revoked or have expired. */
export async function listKeys(op: Operation, { ended, first, after }: KeyPage): Promise<Page<Key>> {
  authorize(op.principal, 'own');
  const limit = boundedInt(first ?? 50, 'first', 1, 500);
  const counting = {
    revokedAt: null,
    $or: [{ expiresAt: null }, { expiresAt: { $gt: op.runtime.clock.now() } }],
  };
  const where = {
    ownerId: op.principal.ownerId,
    kind: { $in: [...KINDS] },
    ...(ended ? {} : counting),
    ...(after ? { id: { $lt: parseId('key', after, 'after') } } : {}),
  };
  return { items: await op.em.find(Key, where, { orderBy: { id: 'desc' }, limit: limit + 1 }), limit };
}

/** For `node`. @throws DomainError NOT_FOUND also for another owner's */
export async function getKey(op: Operation, keyId: string): Promise<Key> {
  authorize(op.principal, 'own');
  const id = parseId('key', keyId, 'id');
  const key = await op.em.findOne(Key, { id, ownerId: op.principal.ownerId, kind: { $in: [...KINDS] } });
  if (!key) throw notFound('key', id);
  return key;
}

async function findKey(tx: Transaction, op: Operation, keyId: string): Promise<Key & { kind: KeyKind }> {
  const id = parseId('key', keyId, 'keyId');
  const key = await tx.em.findOne(
    Key,
    { id, ownerId: op.principal.ownerId, kind: { $in: [...KINDS] } },
    { lockMode: LockMode.PESSIMISTIC_WRITE },
  );
  if (!key) throw notFound('key', id);
  return key as Key & { kind: KeyKind };
}

function future(op: Operation, expiresAt: Date | null | undefined): Date | null {
  if (!expiresAt) return null;
  if (expiresAt > op.runtime.clock.now()) return expiresAt;
  throw invalidInput('expiresAt', 'expiresAt is in the past: the key would never count.');
}

/**
 * Makes one key per request id. Its secret cannot be told a second time, since only a hash is kept: whoever repeats the
 * request, having got no answer, gets the same key with a new secret.
 */
function issueOnce(
  op: Operation,
  operation: string,
  input: Repeatable & object,
  make: (tx: Transaction) => Promise<IssuedKey>,
): Promise<IssuedKey> {
  const { ownerId } = op.principal;
  return transact(op.runtime, async (tx) => {
    let issued: IssuedKey | undefined;
    const request = { ownerId, requestId: input.requestId, operation, input };
    const { result } = await once(tx, request, async () => {
      issued = await make(tx);
      return issued.record.id;
    });
    return issued ?? renew(tx, ownerId, result as Id<'key'>);
  });
}

async function renew(tx: Transaction, ownerId: Id<'owner'>, id: Id<'key'>): Promise<IssuedKey> {
  const record = await tx.em.findOneOrFail(Key, { id, ownerId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  const { key, hash } = generateKey(record.kind);
  record.hash = hash;
  tx.ring(topics.key(id));
  return { key, record };
}
