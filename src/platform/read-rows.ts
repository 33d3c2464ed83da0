import type { EntityClass } from '@mikro-orm/core';
import { type RawBuilder, sql } from 'kysely';
import { type EntityManager, kysely } from './database.ts';
import { type Column, objectOf, type Row, tableOf } from './entity-table.ts';
import { type Id, toUuid } from './ids.ts';

/** Conditions on properties: all must hold. A list means one of its members. */
export type RowFilter = Readonly<Record<string, unknown>>;

export interface ReadOptions {
  readonly limit?: number;
  /** Held until the transaction ends. */
  readonly lock?: keyof typeof LOCKS;
}

const LOCKS = { share: sql`for share`, 'no key update': sql`for no key update` };

/**
 * Reads entities to look at, not to change. The ORM makes each row an object that it follows, which takes ten times as
 * long as reading it, and writes values into its statements, so that PostgreSQL plans each anew: what is only shown needs
 * neither. The objects have the entity's properties and nothing else.
 */
export async function readRows<T extends object>(
  em: EntityManager,
  entity: EntityClass<T>,
  filter: RowFilter,
  order: keyof T & string,
  { limit, lock }: ReadOptions = {},
): Promise<T[]> {
  const table = tableOf(em, entity);
  const conditions = Object.entries(filter).map(([property, value]) =>
    condition(table.column(property), value),
  );
  const { rows } = await sql<Row>`
    select ${sql.raw(table.selection)} from ${sql.table(table.name)}
    where ${sql.join(conditions, sql` and `)} order by ${sql.ref(table.column(order).name)}
    ${limit === undefined ? sql`` : sql`limit ${limit}`} ${lock ? LOCKS[lock] : sql``}`.execute(kysely(em));
  return rows.map((row) => objectOf<T>(table, row));
}

/** The one that there is of what is looked for, or null. */
export async function readRow<T extends object>(
  em: EntityManager,
  entity: EntityClass<T>,
  filter: RowFilter,
  options: ReadOptions = {},
): Promise<T | null> {
  const [property] = Object.keys(filter);
  const rows = await readRows(em, entity, filter, property as keyof T & string, { ...options, limit: 1 });
  return rows[0] ?? null;
}

/**
 * Reads entities that belong to others by way of a join.
 * @param join what to join the entity's table with; `key` is a column of that, by which the entities are grouped
 */
export async function readGroups<T extends object>(
  em: EntityManager,
  entity: EntityClass<T>,
  { join, key, ids, order }: { join: RawBuilder<unknown>; key: string; ids: readonly Id[]; order: string },
): Promise<Map<string, T[]>> {
  const table = tableOf(em, entity);
  const { rows } = await sql<Row & { group_key: string }>`
    select ${sql.raw(table.selection)}, ${sql.ref(key)} as group_key from ${sql.table(table.name)} ${join}
    where ${sql.ref(key)} = any(${ids.map(toUuid)}::uuid[]) order by ${sql.ref(order)}`.execute(kysely(em));
  const idOf = new Map(ids.map((id) => [toUuid(id), id]));
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const id = idOf.get(row.group_key) ?? '';
    const group = groups.get(id) ?? [];
    groups.set(id, group);
    group.push(objectOf<T>(table, row));
  }
  return groups;
}

function condition({ name, type, toDatabase }: Column, value: unknown) {
  const column = sql.ref(name);
  if (value === null) return sql`${column} is null`;
  const cast = sql.raw(type);
  return Array.isArray(value)
    ? sql`${column} = any(${value.map(toDatabase)}::${cast}[])`
    : sql`${column} = ${toDatabase(value)}::${cast}`;
}
