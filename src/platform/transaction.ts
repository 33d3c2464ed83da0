import type { EntityClass } from '@mikro-orm/core';
import { type RawBuilder, sql } from 'kysely';
import { type EntityManager, kysely } from './database.ts';
import { insertion, type NewRow } from './insert-rows.ts';
import type { Runtime } from './runtime.ts';

/**
 * A transaction under way. Everything in it uses its `em`; nothing in it opens another one. At its end changed entities
 * are flushed, what was to be written is, then the steps registered with `beforeCommit` run (the log is appended last, so
 * that its counter's lock is held for the shortest time), and after the commit the doorbell rings.
 */
export class Transaction {
  readonly em: EntityManager;
  readonly runtime: Runtime;
  readonly now: Date;
  readonly #rings = new Set<string>();
  readonly #steps = new Map<object, () => Promise<void>>();
  readonly #changes: RawBuilder<unknown>[] = [];
  #records: RawBuilder<unknown>[] = [];

  constructor(runtime: Runtime, em: EntityManager) {
    this.runtime = runtime;
    this.em = em;
    this.now = runtime.clock.now();
  }

  /** Rings after the commit; never when it is rolled back. */
  ring(topic: string): void {
    this.#rings.add(topic);
  }

  /** Registers a last step, once per key. */
  beforeCommit(key: object, step: () => Promise<void>): void {
    if (!this.#steps.has(key)) this.#steps.set(key, step);
  }

  /** A change whose effect nothing in this transaction reads: all of them go in one statement at its end. */
  write(change: RawBuilder<unknown>): void {
    this.#changes.push(change);
  }

  /** The same for a new row, to which nothing else in this transaction refers. */
  insert<T extends object>(entity: EntityClass<T>, row: NewRow<T>): void {
    this.write(insertion(this.em, entity, row));
  }

  /**
   * The same for a row that goes along with the append to the log. It may refer to nothing that somebody locks who is about
   * to append as well: the counter is held already when PostgreSQL looks at what a row refers to.
   */
  record<T extends object>(entity: EntityClass<T>, row: NewRow<T>): void {
    this.#records.push(insertion(this.em, entity, row));
  }

  takeRecords(): RawBuilder<unknown>[] {
    const records = this.#records;
    this.#records = [];
    return records;
  }

  async finish(): Promise<void> {
    await this.em.flush();
    await this.#apply(this.#changes);
    for (const step of this.#steps.values()) await step();
    await this.#apply(this.takeRecords());
  }

  async #apply(changes: readonly RawBuilder<unknown>[]): Promise<void> {
    if (changes.length > 0)
      await sql`with ${sql.join(changes.map(asPart))} select 1`.execute(kysely(this.em));
  }

  get rings(): ReadonlySet<string> {
    return this.#rings;
  }
}

/** A data-modifying part of a statement is carried out whether or not anything refers to it. */
export function asPart(change: RawBuilder<unknown>, index: number): RawBuilder<unknown> {
  return sql`${sql.raw(`part_${index}`)} as (${change})`;
}

/** Runs `work` in one transaction. Nothing of it is seen, logged or rung when it throws. */
export async function transact<T>(runtime: Runtime, work: (tx: Transaction) => Promise<T>): Promise<T> {
  let rings: ReadonlySet<string> = new Set();
  const result = await runtime.db.fork().transactional(async (em) => {
    const tx = new Transaction(runtime, em as EntityManager);
    const value = await work(tx);
    await tx.finish();
    rings = tx.rings;
    return value;
  });
  if (rings.size > 0) runtime.doorbell.ring(rings);
  return result;
}
