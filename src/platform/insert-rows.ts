import type { EntityClass } from '@mikro-orm/core';
import { type RawBuilder, sql } from 'kysely';
import { type EntityManager, kysely } from './database.ts';
import { objectOf, type Row, tableOf } from './entity-table.ts';

/** Properties with their values; those left out get what the database has as their default. */
export type NewRow<T> = Partial<T>;

/** The counterpart of readRows: stores an entity that the ORM need not follow, at once. @returns it with all its properties */
export async function insertRow<T extends object>(
  em: EntityManager,
  entity: EntityClass<T>,
  row: NewRow<T>,
): Promise<T> {
  const table = tableOf(em, entity);
  const { rows } = await sql<Row>`
    ${insertion(em, entity, row)} returning ${sql.raw(table.selection)}`.execute(kysely(em));
  return objectOf<T>(table, rows[0] as Row);
}

/** An `insert` as a statement, or part of one. */
export function insertion<T extends object>(
  em: EntityManager,
  entity: EntityClass<T>,
  row: NewRow<T>,
): RawBuilder<unknown> {
  const table = tableOf(em, entity);
  const given = Object.entries(row).filter(([, value]) => value !== undefined);
  const columns = given.map(([property]) => table.column(property));
  const values = given.map(([, value], index) => {
    const { type, toDatabase } = columns[index] as (typeof columns)[number];
    return sql`${value === null ? null : toDatabase(value)}::${sql.raw(type)}`;
  });
  return sql`
    insert into ${sql.table(table.name)} (${sql.raw(columns.map(({ name }) => `"${name}"`).join(', '))})
    values (${sql.join(values)})`;
}
