import type { EntityClass, EntityMetadata, EntityProperty } from '@mikro-orm/core';
import type { Statements } from './database.ts';
import { IdType } from './ids.ts';

/** A row as the driver gives it, by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>;

type Convert = (value: unknown) => unknown;

export interface Column {
  readonly property: string;
  readonly name: string;
  /** As PostgreSQL calls it. */
  readonly type: string;
  readonly fromDatabase: Convert | null;
  readonly toDatabase: Convert;
  /** What a new row has that does not say; null when the database has no default. */
  readonly initial: unknown;
  /** It has one of a few values that we name. */
  readonly isEnum: boolean;
}

/** What is read of each row. */
export interface RowPart {
  readonly columns: readonly Column[];
  /** The columns as SQL: made once, since taking it together costs more than to send it. */
  readonly selection: string;
  /** Refuses to tell what was not read; null: all was. */
  readonly guard: object | null;
}

/** Where an entity is stored, for the statements that go past the ORM. */
export interface Table extends RowPart {
  readonly name: string;
  /** @throws Error for a property that has none */
  readonly column: (property: string) => Column;
  readonly key: readonly Column[];
  /** Grows with every change; null: it has none. */
  readonly version: Column | null;
  /** A row that nothing is said about. */
  readonly initial: () => Record<string, unknown>;
}

const known = new WeakMap<EntityMetadata, Table>();

export function tableOf(em: Statements, entity: EntityClass<object>): Table {
  const metadata = em.getMetadata().get(entity) as unknown as EntityMetadata;
  let table = known.get(metadata);
  if (!table) {
    table = makeTable(em, metadata);
    known.set(metadata, table);
  }
  return table;
}

const parts = new WeakMap<ReadonlySet<string>, RowPart>();

/** Some properties of each row. What is asked of a row besides them is an error, not nothing. */
export function partOf(table: Table, properties: ReadonlySet<string>): RowPart {
  let part = parts.get(properties);
  if (!part) {
    const columns = table.columns.filter(({ property }) => properties.has(property));
    part = { columns, selection: selectionOf(table.name, columns), guard: guardOf(table, properties) };
    parts.set(properties, part);
  }
  return part;
}

function guardOf(table: Table, read: ReadonlySet<string>): object {
  const unread = table.columns.filter(({ property }) => !read.has(property));
  const refusals = unread.map(({ property }) => [
    property,
    {
      get: () => {
        throw new Error(`${property} of ${table.name} was not read: its field must say that it needs it`);
      },
    },
  ]);
  return Object.defineProperties({}, Object.fromEntries(refusals));
}

/** The entity's properties and nothing else: the ORM does not follow it. */
export function objectOf<T>({ columns, guard }: RowPart, row: Row): T {
  const read: Record<string, unknown> = guard ? Object.create(guard) : {};
  for (const { property, name, fromDatabase } of columns) {
    const value = row[name];
    read[property] =
      value === null || value === undefined ? null : fromDatabase ? fromDatabase(value) : value;
  }
  return read as T;
}

function selectionOf(table: string, columns: readonly Column[]): string {
  return columns.map(({ name }) => `"${table}"."${name}"`).join(', ');
}

function makeTable(em: Statements, metadata: EntityMetadata): Table {
  const { tableName, className, properties, primaryKeys, versionProperty } = metadata;
  const columns = Object.values(properties)
    .filter((property) => property.persist !== false && property.fieldNames?.length === 1)
    .map((property) => columnOf(em, property as EntityProperty));
  const byProperty = new Map(columns.map((column) => [column.property, column]));
  const initial = Object.fromEntries(columns.map((column) => [column.property, column.initial]));
  const columnFor = (property: string) => {
    const column = byProperty.get(property);
    if (!column) throw new Error(`${className} has no column ${property}`);
    return column;
  };
  return {
    name: tableName,
    columns,
    column: columnFor,
    key: primaryKeys.map(columnFor),
    version: versionProperty ? columnFor(versionProperty) : null,
    initial: () => ({ ...initial }),
    selection: selectionOf(tableName, columns),
    guard: null,
  };
}

/** Rows that are read together mostly belong to the same owner, contract, daemon …: their ids come in a row. */
function rememberingLast(convert: Convert): Convert {
  let from: unknown;
  let to: unknown;
  return (value) => {
    if (value !== from) {
      to = convert(value);
      from = value;
    }
    return to;
  };
}

function columnOf(em: Statements, property: EntityProperty): Column {
  const platform = em.getPlatform();
  // A reference has those of the key it refers to.
  const custom = property.customType ?? property.customTypes?.[0];
  const isDate = property.runtimeType === 'Date';
  const parse = (value: unknown) => (value instanceof Date ? value : platform.parseDate(String(value)));
  const read = custom && ((value: unknown) => custom.convertToJSValue(value, platform));
  const write = (value: unknown) => (value instanceof Date ? value.toISOString() : value);
  return {
    property: property.name,
    name: property.fieldNames[0] as string,
    type: property.columnTypes[0] as string,
    fromDatabase: isDate ? parse : custom instanceof IdType && read ? rememberingLast(read) : (read ?? null),
    toDatabase: custom && !isDate ? (value) => custom.convertToDatabaseValue(value, platform) : write,
    isEnum: property.enum === true,
    initial: property.version ? 1 : (property.default ?? null),
  };
}
