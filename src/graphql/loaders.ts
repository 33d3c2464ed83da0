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
  readonly #byId = new Map<unknown, Known<object | null>>();
  readonly #byKey = new Map<unknown, Map<string, DataLoader<string, object[]>>>();
  readonly #groups = new Map<unknown, Known<object[]>>();

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
    return this.#rows(entity, column).get(id) as T | null | Promise<T | null>;
  }

  /** Loads rows with these ids, so that they are there for `find` and `get`. */
  ahead<T extends object>(entity: EntityClass<T>, ids: Iterable<string>): Promise<void> {
    return this.#rows(entity, 'id' as never).ahead(ids);
  }

  /**
   * Uses rows that were found before, and adds those that are found: for who asks of them only for what never changes.
   * @param found by their ids
   */
  keep<T extends object>(entity: EntityClass<T>, found: Map<string, T | null>): void {
    this.#rows(entity, 'id' as never, found);
  }

  #rows<T extends object>(
    entity: EntityClass<T>,
    column: keyof T & string,
    found: Map<string, object | null> = new Map(),
  ): Known<object | null> {
    let known = this.#byId.get(entity);
    if (!known) {
      const load = async (ids: readonly string[]) => {
        const rows = await readRows(this.#db.statements, entity, { [column]: ids }, column);
        return new Map(rows.map((row) => [String(row[column]), row]));
      };
      known = new Known<object | null>(null, load, found);
      this.#byId.set(entity, known);
    }
    return known;
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

  /** What is found for one of several ids: one statement for all that are asked for. As it is, where it is there already. */
  groups<T extends object>(group: Group<T>, id: string): T[] | Promise<T[]> {
    return this.#group(group).get(id) as T[] | Promise<T[]>;
  }

  /** Loads what is found for these ids, so that it is there for `groups`. */
  groupsAhead<T extends object>(group: Group<T>, ids: Iterable<string>): Promise<void> {
    return this.#group(group).ahead(ids);
  }

  #group<T extends object>({ name, load }: Group<T>): Known<object[]> {
    let known = this.#groups.get(name);
    if (!known) {
      known = new Known<object[]>([], (ids) => load(this.#db.statements, ids));
      this.#groups.set(name, known);
    }
    return known;
  }
}

/** Rows that are found by an id which is not a column of theirs. */
export interface Group<T> {
  /** Of the relation, or what else is the same for all that are found in one statement. */
  readonly name: unknown;
  readonly load: (em: Statements, ids: readonly string[]) => Promise<Map<string, T[]>>;
}

/** What was found by its ids, and how to find the rest. */
class Known<V> {
  readonly #found: Map<string, V>;
  readonly #loader: DataLoader<string, V>;
  readonly #load: (ids: readonly string[]) => Promise<Map<string, V>>;
  readonly #nothing: V;
  #ahead: Promise<void> = Promise.resolve();

  /** @param nothing stands for what was not found */
  constructor(
    nothing: V,
    load: (ids: readonly string[]) => Promise<Map<string, V>>,
    found: Map<string, V> = new Map(),
  ) {
    this.#found = found;
    this.#nothing = nothing;
    this.#load = load;
    this.#loader = new DataLoader(async (ids: readonly string[]) => {
      await this.#fill(ids);
      return ids.map((id) => this.#found.get(id) as V);
    });
  }

  get(id: string): V | Promise<V> {
    const there = this.#found.get(id);
    return there === undefined ? this.#loader.load(id) : there;
  }

  /** One after the other: what is asked for in two places is loaded once. */
  ahead(ids: Iterable<string>): Promise<void> {
    const load = async () => {
      const missing = [...new Set(ids)].filter((id) => !this.#found.has(id));
      if (missing.length > 0) await this.#fill(missing);
    };
    this.#ahead = this.#ahead.then(load, load);
    return this.#ahead;
  }

  async #fill(ids: readonly string[]): Promise<void> {
    const found = await this.#load(ids);
    for (const id of ids) this.#found.set(id, found.get(id) ?? this.#nothing);
  }
}

function existing<T extends object>(entity: EntityClass<T>, id: string, row: T | null): T {
  if (!row) throw new Error(`${entity.name} ${id} was deleted while it was read`);
  return row;
}
