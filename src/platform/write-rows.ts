import type { EntityClass } from '@mikro-orm/core';
import { type RawBuilder, sql } from 'kysely';
import type { EntityManager } from './database.ts';
import { type Column, tableOf } from './entity-table.ts';

/** Properties with their values; those left out get what the database has as their default. */
export type NewRow<T> = Partial<T>;

/** What `row` will be when it is stored: with the defaults of what it leaves out. */
export function completed<T extends object>(em: EntityManager, entity: EntityClass<T>, row: NewRow<T>): T {
  return { ...tableOf(em, entity).initial(), ...given(row) } as T;
}

/** An `insert` as a statement, or part of one. */
export function insertion<T extends object>(
  em: EntityManager,
  entity: EntityClass<T>,
  row: NewRow<T>,
): RawBuilder<unknown> {
  const table = tableOf(em, entity);
  const entries = Object.entries(given(row));
  const columns = entries.map(([property]) => table.column(property));
  const values = entries.map(([, value], index) => parameter(columns[index] as Column, value));
  return sql`
    insert into ${sql.table(table.name)} (${sql.raw(columns.map(({ name }) => `"${name}"`).join(', '))})
    values (${sql.join(values)})`;
}

/**
 * The `insert` of a row that was changed since it was made out, as it is now: a row that was stored before its change
 * would have the same version.
 */
export function changedInsertion<T extends object>(
  em: EntityManager,
  entity: EntityClass<T>,
  row: NewRow<T>,
  before: Readonly<T>,
  now: T,
): RawBuilder<unknown> {
  const changed = changedColumns(em, entity, before, now).map(({ property }) => [
    property,
    now[property as keyof T],
  ]);
  return insertion(em, entity, { ...row, ...Object.fromEntries(changed) });
}

/**
 * The `update` of what differs between a row as it was read and as it is now, which is counted in its version; null when
 * nothing does.
 */
export function changeOf<T extends object>(
  em: EntityManager,
  entity: EntityClass<T>,
  before: Readonly<T>,
  now: T,
): RawBuilder<unknown> | null {
  const { name, key } = tableOf(em, entity);
  const changed = changedColumns(em, entity, before, now);
  if (changed.length === 0) return null;
  const equals = (of: object) => (column: Column) =>
    sql`${sql.ref(column.name)} = ${parameter(column, of[column.property as keyof typeof of])}`;
  const which = key.map(equals(before));
  return sql`update ${sql.table(name)} set ${sql.join(changed.map(equals(now)))} where ${sql.join(which, sql` and `)}`;
}

/** Values differ when they are not the same value or object: a list is replaced, not changed in place. */
function changedColumns<T extends object>(
  em: EntityManager,
  entity: EntityClass<T>,
  before: Readonly<T>,
  now: T,
): Column[] {
  const { columns, version } = tableOf(em, entity);
  const was = before as Readonly<Record<string, unknown>>;
  const is = now as Record<string, unknown>;
  const changed = columns.filter(({ property }) => was[property] !== is[property]);
  if (version && changed.length > 0) {
    is[version.property] = Number(was[version.property]) + 1;
    changed.push(version);
  }
  return changed;
}

function given<T extends object>(row: NewRow<T>): NewRow<T> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined)) as NewRow<T>;
}

function parameter({ type, toDatabase }: Column, value: unknown): RawBuilder<unknown> {
  return sql`${value === null || value === undefined ? null : toDatabase(value)}::${sql.raw(type)}`;
}
