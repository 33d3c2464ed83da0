import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { kysely } from '../platform/database.ts';
import { DomainError } from '../platform/errors.ts';
import { type Id, toUuid } from '../platform/ids.ts';
import { checkedText } from '../platform/text.ts';
import type { Transaction } from '../platform/transaction.ts';

export interface RequestKey {
  readonly ownerId: Id<'owner'>;
  readonly requestId: string | null | undefined;
  /** The mutation's name. */
  readonly operation: string;
  readonly input: object;
}

/**
 * Does something once per `requestId`: `make` runs in this transaction and returns the id of what it made; the same
 * request again returns that id without running it. While the first is under way, the second waits for its commit:
 * the insert of the same primary key does that.
 * @throws DomainError REQUEST_ID_REUSED when the id came with another input
 */
export async function once(
  tx: Transaction,
  key: RequestKey,
  make: () => Promise<string>,
): Promise<{ result: string; repeated: boolean }> {
  if (key.requestId === null || key.requestId === undefined) return { result: await make(), repeated: false };
  const requestId = checkedText(key.requestId, 'requestId', 200);
  const owner = toUuid(key.ownerId);
  const hash = hashInput(key.input);
  const db = kysely(tx.statements);
  const claimed = await sql`
    insert into request (owner_id, request_id, operation, input_hash, result, created_at)
    values (${owner}, ${requestId}, ${key.operation}, ${hash}, '', ${tx.now.toISOString()})
    on conflict do nothing returning 1 as claimed`.execute(db);
  if (claimed.rows.length > 0) {
    const result = await make();
    await sql`update request set result = ${result} where owner_id = ${owner} and request_id = ${requestId}`.execute(
      db,
    );
    return { result, repeated: false };
  }
  const { rows } = await sql<{ operation: string; input_hash: string; result: string }>`
    select operation, input_hash, result from request where owner_id = ${owner} and request_id = ${requestId}`.execute(
    db,
  );
  const first = rows[0];
  if (first?.operation !== key.operation || first.input_hash !== hash) {
    throw new DomainError(
      'REQUEST_ID_REUSED',
      `requestId ${requestId} came before with another input. Use a new one for a new request.`,
      { field: 'requestId' },
    );
  }
  return { result: first.result, repeated: true };
}

function hashInput(input: object): string {
  const { requestId: _, ...rest } = input as Record<string, unknown>;
  return createHash('sha256').update(canonical(rest)).digest('hex');
}

/** JSON with sorted keys and without what was left out, so that equal inputs have one text. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value instanceof Date) return JSON.stringify(value);
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value)
      .filter(([, member]) => member !== undefined && member !== null)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
