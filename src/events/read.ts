import { sql } from 'kysely';
import { kysely, type Statements } from '../platform/database.ts';
import { DomainError, notFound } from '../platform/errors.ts';
import { fromUuid, type Id, toUuid } from '../platform/ids.ts';
import type { EventType, LoggedEvent } from './event-types.ts';

/** Which events of a contract's log a reader is after. */
export interface EventFilter {
  readonly types?: readonly EventType[] | undefined;
  readonly taskId?: Id<'task'> | undefined;
  /** Only output of tasks of this role. */
  readonly role?: string | undefined;
}

export function matches(filter: EventFilter, event: LoggedEvent): boolean {
  if (filter.types && !filter.types.includes(event.type)) return false;
  if (filter.taskId && filter.taskId !== event.taskId) return false;
  if (filter.role && (event.type !== 'OUTPUT' || event.data.role !== filter.role)) return false;
  return true;
}

interface EventRow {
  sequence: number;
  type?: EventType;
  task_id?: string | null;
  data: unknown;
  occurred_at: string | Date;
}

/**
 * Reads a page of the log: events after `after` that match, in order, at most `limit`.
 * @param upTo the last sequence to look at, so that a reader who filters knows how far it has come
 */
export async function readEvents(
  em: Statements,
  contractId: Id<'contract'>,
  after: number,
  limit: number,
  filter: EventFilter = {},
  upTo = 2_147_483_647,
): Promise<LoggedEvent[]> {
  const conditions = [
    sql`contract_id = ${toUuid(contractId)}`,
    sql`sequence > ${after}`,
    sql`sequence <= ${upTo}`,
  ];
  const types = filter.role ? (['OUTPUT'] as const) : filter.types;
  // Written out, not bound: the planner must see that a partial index fits.
  if (types?.length === 1) conditions.push(sql`type = ${sql.lit(types[0])}`);
  else if (types?.length === 0) return [];
  else if (types) conditions.push(sql`type in (${sql.join(types.map((type) => sql.lit(type)))})`);
  if (types && !types.includes('OUTPUT')) conditions.push(sql`type <> 'OUTPUT'`);
  if (filter.taskId) conditions.push(sql`task_id = ${toUuid(filter.taskId)}`);
  if (filter.role) conditions.push(sql`data->>'role' = ${filter.role}`);
  // What all of them have in common is not sent with each.
  const type = types?.length === 1 ? types[0] : undefined;
  const { rows } = await sql<EventRow>`
    select sequence, data, occurred_at ${type ? sql`` : sql`, type`} ${filter.taskId ? sql`` : sql`, task_id`}
    from contract_event where ${sql.join(conditions, sql` and `)} order by sequence limit ${limit}`.execute(
    kysely(em),
  );
  // A page is mostly of few tasks and of few moments, and both take longer to make than all the rest of a row.
  const ids = new Map<string, Id<'task'>>();
  const idOf = (uuid: string) => {
    const known = ids.get(uuid) ?? fromUuid('task', uuid);
    ids.set(uuid, known);
    return known;
  };
  let moment = { text: '', date: new Date(0) };
  const dateOf = (text: string | Date) => {
    if (text instanceof Date) return text;
    if (text !== moment.text) moment = { text, date: new Date(text) };
    return moment.date;
  };
  return rows.map((row) => ({
    contractId,
    sequence: row.sequence,
    type: type ?? row.type,
    taskId: filter.taskId ?? (row.task_id ? idOf(row.task_id) : null),
    data: row.data,
    occurredAt: dateOf(row.occurred_at),
  })) as LoggedEvent[];
}

export interface LogBounds {
  /** The last sequence of the log. */
  readonly last: number;
  /** Events up to this one were pruned. */
  readonly pruned: number;
}

/** Where a contract's log ends, and up to where it was pruned; null when the contract was deleted. */
export async function findLogBounds(em: Statements, contractId: Id<'contract'>): Promise<LogBounds | null> {
  const { rows } = await sql<LogBounds>`
    select last, pruned from contract_counter where contract_id = ${toUuid(contractId)}`.execute(kysely(em));
  return rows[0] ?? null;
}

/** @throws DomainError NOT_FOUND when the contract was deleted */
export async function logBounds(em: Statements, contractId: Id<'contract'>): Promise<LogBounds> {
  const bounds = await findLogBounds(em, contractId);
  if (!bounds) throw notFound('contract', contractId);
  return bounds;
}

/**
 * The position a subscriber starts from.
 * @throws DomainError CURSOR_INVALID when the log has no such position: never a silent hole
 */
export async function startingPosition(
  em: Statements,
  contractId: Id<'contract'>,
  afterSequence: number | null | undefined,
): Promise<number> {
  const { last, pruned } = await logBounds(em, contractId);
  if (afterSequence === null || afterSequence === undefined) return last;
  if (afterSequence < 0 || afterSequence > last) {
    throw new DomainError(
      'CURSOR_INVALID',
      `afterSequence ${afterSequence} is not in the log, which ends at ${last}. Use the sequence of an event you received, or 0.`,
      { field: 'afterSequence', extensions: { last, pruned } },
    );
  }
  assertNotPruned({ last, pruned }, afterSequence, 'afterSequence');
  return afterSequence;
}

/** @throws DomainError CURSOR_INVALID when something that followed the position was pruned */
export function assertNotPruned({ last, pruned }: LogBounds, position: number, field: string): void {
  if (position >= pruned) return;
  throw new DomainError(
    'CURSOR_INVALID',
    `The contract ended and its events up to ${pruned} were pruned, so what follows ${position} is not all there. Use ${field}: ${pruned} for what was logged since.`,
    { field, extensions: { last, pruned } },
  );
}
