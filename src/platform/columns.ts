import { ArrayType, p, UnderscoreNamingStrategy } from '@mikro-orm/core';
import { type Id, type IdPrefix, IdType } from './ids.ts';

/** The primary key of an entity: a UUIDv7, seen as a TypeID. */
export function primaryId<P extends IdPrefix>(prefix: P) {
  return p.type(new IdType(prefix)).$type<Id<P>>().primary();
}

/**
 * A foreign key whose property is the referenced id itself: nothing is loaded by accident, and what is loaded goes
 * through a dataloader. Write the target as `(): unknown => Target`: the annotation lets entity files refer to each
 * other in circles. Each gets its index; pass `covered` when an index of the entity begins with this column.
 */
export function reference<P extends IdPrefix>(_prefix: P, target: () => unknown, covered?: 'covered') {
  return () => {
    const column = p
      .manyToOne(target() as never)
      .mapToPk()
      .deleteRule('cascade')
      .$type<Id<P>>();
    return covered ? column : column.index();
  };
}

/** The same, null when there is none. */
export function optionalReference<P extends IdPrefix>(
  _prefix: P,
  target: () => unknown,
  covered?: 'covered',
) {
  return () => {
    const column = p
      .manyToOne(target() as never)
      .mapToPk()
      .deleteRule('cascade')
      .nullable()
      .$type<Id<P> | null>();
    return covered ? column : column.index();
  };
}

/** Time of day with its zone, to the millisecond: what a JavaScript Date holds. */
export const timestamp = () => p.datetime(3);

/** The ORM's own type quotes only what looks like more than one text: "NULL" would become null, and a line end nothing. */
class TextsType extends ArrayType {
  override convertToDatabaseValue(value: string[] | null): string | null {
    if (!Array.isArray(value)) return value;
    return `{${value.map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`).join()}}`;
  }

  override getColumnType(): string {
    return 'text[]';
  }
}

/** A list of texts, any of them. */
export const texts = () => p.type(new TextsType()).$type<string[]>();

/** `ownerId` is stored as `owner_id`: the property is the key itself, so no further suffix is added. */
export class NamingStrategy extends UnderscoreNamingStrategy {
  override joinKeyColumnName(entityName: string): string {
    return this.propertyToColumnName(entityName);
  }
}
