import type { EntityClass } from '@mikro-orm/core';
import { isExpression, type RawBuilder, sql } from 'kysely';
import { kysely, type Statements } from './database.ts';
import { type Column, objectOf, partOf, type Row, tableOf } from './entity-table.ts';
import { fromUuid, type Id, type IdPrefix, toUuid } from './ids.ts';
import { Wording } from './wording.ts';

/** Conditions on properties: all must hold. A list means one of its members; an expression is compared as it is. */
export type RowFilter = Readonly<Record<string, unknown>>;

export interface ReadOptions {
  readonly limit?: number;
  /** What must hold besides. */
  readonly and?: RawBuilder<unknown>;
  /** Properties to read and no more; null: all of them. */
  readonly only?: ReadonlySet<string> | null;
  /** Held until the transaction ends. */
  readonly lock?: keyof typeof LOCKS;
}

const LOCKS = {
  'key share': 'for key share',
  share: 'for share',
  'no key update': 'for no key update',
  /** What somebody else has locked is passed over. */
  'no key update skip locked': 'for no key update skip locked',
};

/** What is to be read, by itself or together with others. */
export interface Selection<R> {
  readonly statement: RawBuilder<unknown>;
  readonly read: (rows: readonly Row[]) => R;
}

/** Rows of an entity, with the properties that it has and nothing else. */
export function rowsOf<T extends object>(
  em: Statements,
  entity: EntityClass<T>,
  filter: RowFilter,
  order: keyof T & string,
  { limit, and, only, lock }: ReadOptions = {},
): Selection<T[]> {
  const table = tableOf(em, entity);
  const part = only ? partOf(table, only) : table;
  const wording = new Wording().say(`select ${part.selection} from "${table.name}"`);
  let joint = ' where ';
  for (const [property, value] of Object.entries(filter)) {
    condition(wording.say(joint), table.column(property), value);
    joint = ' and ';
  }
  if (and) wording.say(joint).give(and);
  else if (joint === ' where ') throw new Error(`all of ${table.name} was asked for`);
  wording.say(` order by "${table.column(order).name}"`);
  if (limit !== undefined) wording.say(' limit ').give(limit);
  if (lock) wording.say(` ${LOCKS[lock]}`);
  return {
    statement: wording.end(),
    read: (rows) => rows.map((row) => objectOf<T>(part, row)),
  };
}

/** The one that there is of what is looked for, or null. */
export function rowOf<T extends object>(
  em: Statements,
  entity: EntityClass<T>,
  filter: RowFilter,
  options: Omit<ReadOptions, 'limit'> = {},
): Selection<T | null> {
  const [property] = Object.keys(filter);
  const rows = rowsOf(em, entity, filter, property as keyof T & string, { ...options, limit: 1 });
  return { statement: rows.statement, read: (found) => rows.read(found)[0] ?? null };
}

/** The first ids that a statement finds in its column `id`: the limit is a parameter, so that it is prepared. */
export function idsOf<K extends IdPrefix>(
  kind: K,
  statement: RawBuilder<unknown>,
  limit = 100,
): Selection<Id<K>[]> {
  return {
    statement: sql`${statement} limit ${limit}`,
    read: (rows) => rows.map(({ id }) => fromUuid(kind, String(id))),
  };
}

/**
 * Reads entities to look at, not to change. The ORM makes each row an object that it follows, which takes ten times as
 * long as reading it, and writes values into its statements, so that PostgreSQL plans each anew: what is only shown needs
 * neither.
 */
export async function readRows<T extends object>(
  em: Statements,
  entity: EntityClass<T>,
  filter: RowFilter,
  order: keyof T & string,
  options: ReadOptions = {},
): Promise<T[]> {
  const { statement, read } = rowsOf(em, entity, filter, order, options);
  return read((await statement.execute(kysely(em))).rows as Row[]);
}

export async function readRow<T extends object>(
  em: Statements,
  entity: EntityClass<T>,
  filter: RowFilter,
  options: Omit<ReadOptions, 'limit'> = {},
): Promise<T | null> {
  const { statement, read } = rowOf(em, entity, filter, options);
  return read((await statement.execute(kysely(em))).rows as Row[]);
}

export type Selections = Readonly<Record<string, Selection<unknown>>>;
/** What comes of selections, by their names. */
export type Selected<S extends Selections> = {
  [Name in keyof S]: S[Name] extends Selection<infer R> ? R : never;
};

/**
 * Reads several selections in one round trip, locks included, in their order. All but what had to wait for a lock are of
 * the moment at which the statement began: what must not be older than a lock is read after it.
 */
export async function readTogether<S extends Selections>(
  em: Statements,
  selections: S,
): Promise<Selected<S>> {
  const { statement, read } = together(selections);
  return read((await statement.execute(kysely(em))).rows as Row[]);
}

/**
 * The same by two statements of a transaction that are sent along, still in one trip: the second sees all that was
 * committed before the first got its locks.
 */
export async function readInTurn<A extends Selections, B extends Selections>(
  em: Statements,
  first: A,
  second: B,
): Promise<Selected<A> & Selected<B>> {
  const db = kysely(em);
  const [one, other] = [together(first), together(second)];
  // Kysely sends the next statement of a transaction when the one before it is answered; PostgreSQL needs no such care.
  const [those, these] = await db
    .getExecutor()
    .provideConnection((connection) =>
      Promise.all([
        connection.executeQuery<Row>(one.statement.compile(db)),
        connection.executeQuery<Row>(other.statement.compile(db)),
      ]),
    );
  return { ...one.read(those.rows), ...other.read(these.rows) };
}

function together<S extends Selections>(selections: S): Selection<Selected<S>> {
  const entries = Object.entries(selections);
  const wording = new Wording();
  let joint = 'select';
  for (const [name, { statement }] of entries) {
    wording.say(`${joint} (select json_agg(part) from (`).give(statement).say(`) as part) as "${name}"`);
    joint = ',';
  }
  const found = (rows: readonly Row[], name: string) => (rows[0]?.[name] ?? []) as Row[];
  return {
    statement: wording.end(),
    read: (rows) =>
      Object.fromEntries(entries.map(([name, { read }]) => [name, read(found(rows, name))])) as Selected<S>,
  };
}

export interface GroupOptions extends Pick<ReadOptions, 'only'> {
  /** What to join the entity's table with. */
  readonly join: RawBuilder<unknown>;
  /** A column of that, by which the entities are grouped. */
  readonly key: string;
  readonly ids: readonly Id[];
  readonly order: string;
}

/** Reads entities that belong to others by way of a join. */
export async function readGroups<T extends object>(
  em: Statements,
  entity: EntityClass<T>,
  { join, key, ids, order, only }: GroupOptions,
): Promise<Map<string, T[]>> {
  const table = tableOf(em, entity);
  const part = only ? partOf(table, only) : table;
  const { rows } = await sql<Row & { group_key: string }>`
    select ${sql.raw(part.selection)}, ${sql.ref(key)} as group_key from ${sql.table(table.name)} ${join}
    where ${sql.ref(key)} = any(${ids.map(toUuid)}::uuid[]) order by ${sql.ref(order)}`.execute(kysely(em));
  const idOf = new Map(ids.map((id) => [toUuid(id), id]));
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const id = idOf.get(row.group_key) ?? '';
    const group = groups.get(id) ?? [];
    groups.set(id, group);
    group.push(objectOf<T>(part, row));
  }
  return groups;
}

function condition(wording: Wording, column: Column, value: unknown): void {
  const { name, type, toDatabase } = column;
  if (value === null) return void wording.say(`"${name}" is null`);
  if (isExpression(value)) return void wording.say(`"${name}" = `).give(value);
  const isList = Array.isArray(value);
  const written = asWritten(column, isList ? value : [value]);
  wording.say(`"${name}" = ${isList ? 'any(' : ''}`);
  if (written !== null) wording.say(isList ? `array[${written}]` : written);
  else wording.give(isList ? value.map(toDatabase) : toDatabase(value));
  wording.say(isList ? `::${type}[])` : `::${type}`);
}

/** Indexes of the rows in some state are found by what stands in the statement; a parameter could be any state. */
function asWritten({ isEnum }: Column, values: readonly unknown[]): string | null {
  if (!isEnum || !values.every((value) => /^[A-Z_]+$/.test(String(value)))) return null;
  return values.map((value) => `'${value}'`).join(', ');
}
