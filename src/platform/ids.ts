import { Type } from '@mikro-orm/core';
import { TypeID, typeid } from 'typeid-js';
import { invalidInput } from './errors.ts';

/**
 * Ids are TypeIDs outside (`task_01k…`: readable, typed, sortable) and UUIDv7 in the database.
 * https://github.com/jetify-com/typeid/tree/main/spec
 */
export const ID_PREFIXES = [
  'owner', 'key', 'identity', 'contract', 'repo', 'doc', 'task', 'worktree', 'daemon', 'command', 'question', 'checkpoint',
  'message', 'turn', 'history',
] as const; // biome-ignore format: one glance
export type IdPrefix = (typeof ID_PREFIXES)[number];
export type Id<P extends IdPrefix = IdPrefix> = `${P}_${string}`;

export function newId<P extends IdPrefix>(prefix: P): Id<P> {
  return typeid(prefix).toString() as Id<P>;
}

export function toUuid(id: Id): string {
  return TypeID.fromString(id).toUUID();
}

export function fromUuid<P extends IdPrefix>(prefix: P, uuid: string): Id<P> {
  return TypeID.fromUUID(prefix, uuid).toString() as Id<P>;
}

/** The kind of an id, or null when it is not one of ours. */
export function prefixOf(id: string): IdPrefix | null {
  const prefix = id.slice(0, id.lastIndexOf('_'));
  return ID_PREFIXES.find((known) => known === prefix) ?? null;
}

/**
 * Checks an id from a caller.
 * @throws DomainError INVALID_INPUT naming the field, when it is not an id or that of another kind of object.
 */
export function parseId<P extends IdPrefix>(prefix: P, id: string, field: string): Id<P> {
  const actual = prefixOf(id);
  if (actual !== null && actual !== prefix) {
    throw invalidInput(
      field,
      `${field} takes the id of a ${prefix} (${prefix}_…), and ${id} is that of a ${actual}.`,
    );
  }
  try {
    const parsed = TypeID.fromString(id, prefix);
    // Well-formed characters may still spell no UUID.
    parsed.toUUID();
    return parsed.toString() as Id<P>;
  } catch {
    throw invalidInput(
      field,
      `${field} is not an id: ${JSON.stringify(id.slice(0, 80))}. Ids look like ${prefix}_01k….`,
    );
  }
}

/** The column of an id: `uuid` in the database, a TypeID in the entity. */
export class IdType<P extends IdPrefix> extends Type<Id<P>, string> {
  readonly prefix: P;

  constructor(prefix: P) {
    super();
    this.prefix = prefix;
  }

  override convertToDatabaseValue(value: Id<P>): string {
    // Raw queries and comparisons hand over values that are uuids already.
    return value?.includes('_') ? toUuid(value) : value;
  }

  override convertToJSValue(value: string): Id<P> {
    return value && !value.includes('_') ? fromUuid(this.prefix, value) : (value as Id<P>);
  }

  override getColumnType(): string {
    return 'uuid';
  }

  override compareAsType(): string {
    return 'string';
  }
}
