import type { EntityClass } from '@mikro-orm/core';
import type { RawBuilder } from 'kysely';
import type { Statements } from './database.ts';
import { type Column, type Table, tableOf } from './entity-table.ts';
import { stated } from './wording.ts';

/** Properties with their values; those left out get what the database has as their default. */
export type NewRow<T> = Partial<T>;

/** What `row` will be when it is stored: with the defaults of what it leaves out. */
export function completed<T extends object>(em: Statements, entity: EntityClass<T>, row: NewRow<T>): T {
  return { ...tableOf(em, entity).initial(), ...given(row) } as T;
}

/** An `insert` as a statement, or part of one. */
export function insertion<T extends object>(
  em: Statements,
  entity: EntityClass<T>,
  row: NewRow<T>,
): RawBuilder<unknown> {
  const table = tableOf(em, entity);
  const columns: Column[] = [];
  const values: unknown[] = [];
  let which = '';
  for (const [property, value] of Object.entries(row)) {
    if (value === undefined) continue;
    const column = table.column(property);
    columns.push(column);
    values.push(written(column, value));
    which += `,${property}`;
  }
  return withParameters(table, `insert${which}`, values, () => [
    `insert into "${table.name}" (${columns.map(({ name }) => `"${name}"`).join(', ')}) values (`,
    ...columns.map(({ type }, index) => `::${type}${index < columns.length - 1 ? ', ' : ')'}`),
  ]);
}

/**
 * The `insert` of a row that was changed since it was made out, as it is now: a row that was stored before its change
 * would have the same version.
 */
export function changedInsertion<T extends object>(
  em: Statements,
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
  em: Statements,
  entity: EntityClass<T>,
  before: Readonly<T>,
  now: T,
): RawBuilder<unknown> | null {
  const table = tableOf(em, entity);
  const changed = changedColumns(em, entity, before, now);
  if (changed.length === 0) return null;
  const set = changed.map((column) => written(column, now[column.property as keyof T]));
  const where = table.key.map((column) => written(column, before[column.property as keyof T]));
  const name = `update,${changed.map(({ property }) => property).join()}`;
  return withParameters(table, name, [...set, ...where], () => {
    const joints = [
      ...changed.map(
        (column, index) => [index === 0 ? `update "${table.name}" set ` : ', ', column] as const,
      ),
      ...table.key.map((column, index) => [index === 0 ? ' where ' : ' and ', column] as const),
    ];
    const types = ['', ...joints.map(([, { type }]) => `::${type}`)];
    return [
      ...joints.map(([joint, column], index) => `${types[index]}${joint}"${column.name}" = `),
      types.at(-1) ?? '',
    ];
  });
}

const texts = new WeakMap<Table, Map<string, readonly string[]>>();

/** A statement whose text between its parameters is made once: taking it together for each row costs more than to send it. */
function withParameters(
  table: Table,
  name: string,
  values: readonly unknown[],
  make: () => readonly string[],
): RawBuilder<unknown> {
  const known = texts.get(table) ?? new Map<string, readonly string[]>();
  texts.set(table, known);
  const text = known.get(name) ?? make();
  known.set(name, text);
  return stated(text, values);
}

/** Values differ when they are not the same value or object: a list is replaced, not changed in place. */
function changedColumns<T extends object>(
  em: Statements,
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

function written({ toDatabase }: Column, value: unknown): unknown {
  return value === null || value === undefined ? null : toDatabase(value);
}
