import type { RawBuilder } from 'kysely';
import { kysely } from '../platform/database.ts';
import { topics } from '../platform/doorbell.ts';
import type { Row } from '../platform/entity-table.ts';
import { type Id, toUuid } from '../platform/ids.ts';
import type { Transaction } from '../platform/transaction.ts';
import { NOTHING, worded } from '../platform/wording.ts';
import type { NewEvent } from './event-types.ts';

const buffers = new WeakMap<Transaction, Map<Id<'contract'>, NewEvent[]>>();

/**
 * Adds an event to the contract's log. It is written when the transaction is about to commit, in the order of the
 * calls, so that the counter's lock, which serialises the contract's writers, is held briefly.
 */
export function logEvent(tx: Transaction, contractId: Id<'contract'>, event: NewEvent): void {
  let buffer = buffers.get(tx);
  if (!buffer) {
    buffer = new Map();
    buffers.set(tx, buffer);
    tx.beforeCommit(logEvent, (last) => flush(tx, last));
  }
  const events = buffer.get(contractId) ?? [];
  buffer.set(contractId, events);
  events.push(event);
}

async function flush(tx: Transaction, last: RawBuilder<unknown>): Promise<void> {
  // Always in the same order of contracts: two transactions that touch both never wait for each other in a circle.
  const contracts = [...(buffers.get(tx) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [index, [contractId, events]] of contracts.entries())
    await appendEvents(tx, contractId, events, index === contracts.length - 1 ? last : NOTHING);
  buffers.delete(tx);
}

/**
 * Appends in one statement: the counter hands out the sequences and the rows follow from one JSON array. Since its row
 * lock is held until commit, the order of sequences is the order of commits, and a reader never skips one.
 * @returns the sequence of the last event
 */
export async function appendEvents(
  tx: Transaction,
  contractId: Id<'contract'>,
  events: readonly NewEvent[],
  last: RawBuilder<unknown>,
): Promise<number> {
  const rows = events.map((event) => ({
    type: event.type,
    task: event.taskId === null ? null : toUuid(event.taskId as Id),
    data: event.data,
  }));
  const contract = toUuid(contractId);
  const count = events.length;
  const { parts, columns, tell } = tx.takeRiders();
  const { rows: answer } = await worded`${last}
    with counter as (
      update contract_counter set last = last + ${count} where contract_id = ${contract} returning last
    ), appended as (
      insert into contract_event (contract_id, sequence, type, task_id, data, occurred_at)
      select ${contract}, (select last from counter) - ${count}::int + row.ordinality, row.value->>'type',
             (row.value->>'task')::uuid, row.value->'data', ${tx.now.toISOString()}::timestamptz
      from jsonb_array_elements(${storable(rows)}::jsonb) with ordinality as row
    )${parts}
    select last${columns} from counter`.execute(kysely(tx.statements));
  const [row] = answer as (Row & { readonly last: number })[];
  // A contract without a counter has failed in the database: a sequence is never null.
  if (!row) throw new Error(`contract ${contractId} has no counter`);
  tell(row);
  tx.ring(topics.contract(contractId));
  return row.last;
}

/** How JSON writes what jsonb does not hold. Colours of a terminal are escapes as well, and none of these. */
const NOT_STORABLE = /\\u(?:0000|d[89a-f])/;

/** jsonb holds neither NUL nor half of a surrogate pair, in texts and in names: both become U+FFFD. */
export function storable(value: unknown): string {
  const json = JSON.stringify(value);
  return NOT_STORABLE.test(json) ? JSON.stringify(wellFormed(JSON.parse(json))) : json;
}

function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return wellFormedText(value);
  if (Array.isArray(value)) return value.map(wellFormed);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [wellFormedText(name), wellFormed(member)]),
  );
}

function wellFormedText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}
