import type { EntityClass, EntityMetadata, EntityProperty } from '@mikro-orm/core';
import { type RawBuilder, sql } from 'kysely';
import { type EntityManager, kysely } from './database.ts';
import { type Id, toUuid } from './ids.ts';

/** Conditions on properties: all must hold. A list means one of its members. */
export type RowFilter = Readonly<Record<string, unknown>>;

type Convert = (value: unknown) => unknown;

interface Column {
  readonly property: string;
  readonly name: string;
  /** As PostgreSQL calls it. */
  readonly type: string;
  readonly fromDatabase: Convert | null;
  readonly toDatabase: Convert;
}

const known = new WeakMap<EntityMetadata, readonly Column[]>();

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
  limit = 1_000_000,
): Promise<T[]> {
  const metadata = em.getMetadata().get(entity) as unknown as EntityMetadata;
  const columns = columnsOf(em, metadata);
  const byProperty = new Map(columns.map((column) => [column.property, column]));
  const columnOf = (property: string) => {
    const column = byProperty.get(property);
    if (!column) throw new Error(`${metadata.className} has no column ${property}`);
    return column;
  };
  const conditions = Object.entries(filter).map(([property, value]) => condition(columnOf(property), value));
  const { rows } = await sql<Row>`
    select ${selection(metadata, columns)} from ${sql.table(metadata.tableName)}
    where ${sql.join(conditions, sql` and `)} order by ${sql.ref(columnOf(order).name)} limit ${limit}`.execute(
    kysely(em),
  );
  return rows.map((row) => objectOf<T>(columns, row));
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
  const metadata = em.getMetadata().get(entity) as unknown as EntityMetadata;
  const columns = columnsOf(em, metadata);
  const { rows } = await sql<Row & { group_key: string }>`
    select ${selection(metadata, columns)}, ${sql.ref(key)} as group_key from ${sql.table(metadata.tableName)} ${join}
    where ${sql.ref(key)} = any(${ids.map(toUuid)}::uuid[]) order by ${sql.ref(order)}`.execute(kysely(em));
  const idOf = new Map(ids.map((id) => [toUuid(id), id]));
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const id = idOf.get(row.group_key) ?? '';
    const group = groups.get(id) ?? [];
    groups.set(id, group);
    group.push(objectOf<T>(columns, row));
  }
  return groups;
}

type Row = Readonly<Record<string, unknown>>;

function selection({ tableName }: EntityMetadata, columns: readonly Column[]) {
  return sql.join(columns.map(({ name }) => sql.ref(`${tableName}.${name}`)));
}

function objectOf<T>(columns: readonly Column[], row: Row): T {
  const read: Record<string, unknown> = {};
  for (const { property, name, fromDatabase } of columns) {
    const value = row[name];
    read[property] =
      value === null || value === undefined ? null : fromDatabase ? fromDatabase(value) : value;
  }
  return read as T;
}

function condition({ name, type, toDatabase }: Column, value: unknown) {
  const column = sql.ref(name);
  if (value === null) return sql`${column} is null`;
  const cast = sql.raw(type);
  return Array.isArray(value)
    ? sql`${column} = any(${value.map(toDatabase)}::${cast}[])`
    : sql`${column} = ${toDatabase(value)}::${cast}`;
}

function columnsOf(em: EntityManager, metadata: EntityMetadata): readonly Column[] {
  const there = known.get(metadata);
  if (there) return there;
  const columns = Object.values(metadata.properties)
    .filter((property) => property.persist !== false && property.fieldNames?.length === 1)
    .map((property) => columnOfProperty(em, property as EntityProperty));
  known.set(metadata, columns);
  return columns;
}

function columnOfProperty(em: EntityManager, property: EntityProperty): Column {
  const platform = em.getPlatform();
  // A reference has those of the key it refers to.
  const custom = property.customType ?? property.customTypes?.[0];
  const isDate = property.runtimeType === 'Date';
  const parse = (value: unknown) => (value instanceof Date ? value : platform.parseDate(String(value)));
  return {
    property: property.name,
    name: property.fieldNames[0] as string,
    type: property.columnTypes[0] as string,
    fromDatabase: isDate ? parse : custom ? (value) => custom.convertToJSValue(value, platform) : null,
    toDatabase: custom ? (value) => custom.convertToDatabaseValue(value, platform) : (value) => value,
  };
}
