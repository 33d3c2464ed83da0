import type { EntityClass } from '@mikro-orm/core';
import DataLoader from 'dataloader';
import type { Database, Statements } from '../platform/database.ts';
import { readRows } from '../platform/read-rows.ts';

/**
 * Batches what the fields of one answer load: one SQL statement per kind of object, however many there are. Made anew
 * for each operation and for each event of a subscription, so that nothing is stale.
 */
export class Loaders {
  readonly #db: Database;
  readonly #byId = new Map<
    unknown,
    { loader: DataLoader<string, object | null>; found: Map<string, object | null> }
  >();
  readonly #byKey = new Map<unknown, Map<string, DataLoader<string, object[]>>>();
  readonly #groups = new Map<unknown, DataLoader<string, object[]>>();

  constructor(db: Database) {
    this.#db = db;
  }

  /** Forgets what was loaded. */
  clear(): void {
    this.#byId.clear();
    this.#byKey.clear();
    this.#groups.clear();
  }

  /**
   * The row with this id, or null. `column` is the primary key where that is not called `id`. What is there already is
   * returned as it is and not as a promise: each of those would make graphql-js wait for the field, and so for its parents.
   */
  find<T extends object>(
    entity: EntityClass<T>,
    id: string,
    column: keyof T & string = 'id' as never,
  ): T | null | Promise<T | null> {
    let known = this.#byId.get(entity);
    if (!known) {
      const found = new Map<string, object | null>();
      const loader = new DataLoader(async (ids: readonly string[]) => {
        const rows = await readRows(this.#db.statements, entity, { [column]: ids }, column);
        for (const id of ids) found.set(id, null);
        for (const row of rows) found.set(String(row[column]), row);
        return ids.map((each) => found.get(each) ?? null);
      });
      known = { loader, found };
      this.#byId.set(entity, known);
    }
    const there = known.found.get(id);
    return (there === undefined ? known.loader.load(id) : there) as T | null | Promise<T | null>;
  }

  /** The row with this id, which a foreign key says is there. */
  get<T extends object>(entity: EntityClass<T>, id: string): T | Promise<T> {
    const there = this.find(entity, id);
    return there instanceof Promise
      ? there.then((row) => existing(entity, id, row))
      : existing(entity, id, there);
  }

  /**
   * The rows whose `column` is this id, in the order of `order`.
   * @param where further conditions, the same for all that are batched
   */
  many<T extends object>(
    entity: EntityClass<T>,
    column: keyof T & string,
    id: string,
    where: Readonly<Record<string, unknown>> = {},
    order: keyof T & string = 'id' as never,
  ): Promise<T[]> {
    const name = `${column} ${JSON.stringify(where)}`;
    const loaders = this.#byKey.get(entity) ?? new Map<string, DataLoader<string, object[]>>();
    this.#byKey.set(entity, loaders);
    let loader = loaders.get(name);
    if (!loader) {
      loader = new DataLoader(async (ids: readonly string[]) => {
        const rows = await readRows(this.#db.statements, entity, { ...where, [column]: ids }, order);
        const groups = Map.groupBy(rows, (row) => String(row[column]));
        return ids.map((each) => groups.get(each) ?? []);
      });
      loaders.set(name, loader);
    }
    return loader.load(id) as Promise<T[]>;
  }

  /**
   * What `load` finds for each of several ids: one statement for all that are asked for.
   * @param name of the relation, or what else is the same for all that are found in one statement
   */
  groups<T extends object>(
    name: unknown,
    id: string,
    load: (em: Statements, ids: readonly string[]) => Promise<Map<string, T[]>>,
  ): Promise<T[]> {
    let loader = this.#groups.get(name);
    if (!loader) {
      loader = new DataLoader(async (ids: readonly string[]) => {
        const groups = await load(this.#db.statements, ids);
        return ids.map((each) => groups.get(each) ?? []);
      });
      this.#groups.set(name, loader);
    }
    return loader.load(id) as Promise<T[]>;
  }
}

function existing<T extends object>(entity: EntityClass<T>, id: string, row: T | null): T {
  if (!row) throw new Error(`${entity.name} ${id} was deleted while it was read`);
  return row;
}
