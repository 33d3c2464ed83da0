import { Type } from '@mikro-orm/core';
import { TypeID } from 'typeid-js';
import { v7 } from 'uuid';
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

const LETTERS = 26;
/** An id in its usual form: 128 bits, so that the first letter is at most 7. */
const FORM = /^[a-z]+_[0-7][0-9a-hjkmnp-tv-z]{25}$/;
/** https://www.rfc-editor.org/rfc/rfc9562#section-4 */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const HEX = '0123456789abcdef';
/** The value of a character, by its code. */
const VALUES = valuesOf(ALPHABET);
const DIGITS = valuesOf(HEX);

function valuesOf(alphabet: string): (number | undefined)[] {
  const values: (number | undefined)[] = new Array(128).fill(undefined);
  for (const [value, letter] of [...alphabet].entries()) {
    values[letter.charCodeAt(0)] = value;
    values[letter.toUpperCase().charCodeAt(0)] = value;
  }
  return values;
}

export function newId<P extends IdPrefix>(prefix: P): Id<P> {
  return fromUuid(prefix, v7());
}

/**
 * The UUID of an id, which is one of ours: `parseId` checks those of others. Written out here, and so is `fromUuid`, since
 * the ORM converts each id of each row several times: with typeid-js that was 37 % of reading a tree of 1,000 tasks, and
 * to make the four ids of a spawn took longer than to decide on it.
 */
export function toUuid(id: Id): string {
  const start = id.lastIndexOf('_') + 1;
  if (id.length - start !== LETTERS) return TypeID.fromString(id).toUUID();
  // 26 letters of 5 bits hold 130: the first has 3.
  let held = 0;
  let bits = -2;
  let uuid = '';
  for (let index = start; index < id.length; index += 1) {
    held = (held << 5) | (VALUES[id.charCodeAt(index)] ?? 0);
    bits += 5;
    while (bits >= 4) {
      bits -= 4;
      uuid += HEX[(held >>> bits) & 15];
      if (uuid.length === 8 || uuid.length === 13 || uuid.length === 18 || uuid.length === 23) uuid += '-';
    }
    held &= 15;
  }
  return uuid;
}

export function fromUuid<P extends IdPrefix>(prefix: P, uuid: string): Id<P> {
  let held = 0;
  // Two bits more than the UUID has, at its beginning.
  let bits = 2;
  let letters = '';
  for (let index = 0; index < uuid.length; index += 1) {
    const digit = DIGITS[uuid.charCodeAt(index)];
    if (digit === undefined) continue;
    held = (held << 4) | digit;
    bits += 4;
    if (bits < 5) continue;
    bits -= 5;
    letters += ALPHABET[(held >>> bits) & 31];
    held &= 31;
  }
  if (letters.length !== LETTERS) return TypeID.fromUUID(prefix, uuid).toString() as Id<P>;
  return `${prefix}_${letters}`;
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
  // What comes with nearly each call is looked at only so far. typeid-js says what is wrong with the others.
  if (actual === prefix && FORM.test(id) && UUID.test(toUuid(id as Id<P>))) return id as Id<P>;
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
