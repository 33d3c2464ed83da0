import type { EntityClass } from '@mikro-orm/core';
import { type RawBuilder, sql } from 'kysely';
import { type EntityManager, kysely } from './database.ts';
import type { Row } from './entity-table.ts';
import { COMMITTING } from './pipelining-client.ts';
import type { Runtime } from './runtime.ts';
import { changedInsertion, changeOf, completed, insertion, type NewRow } from './write-rows.ts';

/** @param last is put before the only, or the last, statement of the step */
type LastStep = (last: RawBuilder<unknown>) => Promise<void>;

/** What is written along with the log, when it has come to that, and what is told of the rows that it returns. */
interface Rider {
  readonly change: () => RawBuilder<unknown> | null;
  readonly onRows: ((rows: readonly Row[]) => void) | null;
}

/**
 * A transaction under way. Everything in it uses its `em`; nothing in it opens another one. At its end changed entities
 * are flushed, what was to be written is, then the steps registered with `beforeCommit` run (the log is appended last, so
 * that its counter's lock is held for the shortest time), and after the commit the doorbell rings.
 *
 * What goes along with the append saves a round trip, and is written while the log's counter is held. So it may touch,
 * and refer to, only rows that this transaction has locked before, and those that nobody locks more strongly than
 * `no key update` (contracts, daemons, working copies): else two transactions could wait for each other.
 */
export class Transaction {
  readonly em: EntityManager;
  readonly runtime: Runtime;
  readonly now: Date;
  readonly #rings = new Set<string>();
  readonly #calls: (() => void)[] = [];
  readonly #steps = new Map<object, LastStep>();
  readonly #numbering: LastStep[] = [];
  readonly #changes: RawBuilder<unknown>[] = [];
  #riders: Rider[] = [];

  constructor(runtime: Runtime, em: EntityManager) {
    this.runtime = runtime;
    this.em = em;
    this.now = runtime.clock.now();
  }

  /** Rings after the commit; never when it is rolled back. */
  ring(topic: string): void {
    this.#rings.add(topic);
  }

  /** Called after the commit, before the doorbell rings; never when it is rolled back. It may not throw. */
  afterCommit(call: () => void): void {
    this.#calls.push(call);
  }

  /** Registers a last step, once per key. */
  beforeCommit(key: object, step: LastStep): void {
    if (!this.#steps.has(key)) this.#steps.set(key, step);
  }

  /** Behind those, for a number that is handed out owner by owner: whoever waits for it holds all else that it needs. */
  afterLog(step: LastStep): void {
    this.#numbering.push(step);
  }

  /** A change whose effect nothing in this transaction reads: all of them go in one statement at its end. */
  write(change: RawBuilder<unknown>): void {
    this.#changes.push(change);
  }

  /** The same for a new row, to which nothing else in this transaction refers. */
  insert<T extends object>(entity: EntityClass<T>, row: NewRow<T>): void {
    this.write(insertion(this.em, entity, row));
  }

  /** A new row that something else in this transaction refers to. @returns it as it is stored */
  async insertNow<T extends object>(entity: EntityClass<T>, row: NewRow<T>): Promise<T> {
    await insertion(this.em, entity, row).execute(kysely(this.em));
    return completed(this.em, entity, row);
  }

  /**
   * A change that goes along with the append to the log. Each is a part of one statement: what comes hundreds of times in a
   * transaction is gathered in one.
   * @param change asked for at the end; null: there is none
   * @param onRows hears what it returns, to ring of it; the commit has been sent by then, so it refuses nothing any more
   */
  ride(change: () => RawBuilder<unknown> | null, onRows: Rider['onRows'] = null): void {
    this.#riders.push({ change, onRows });
  }

  /**
   * The same for a new row, to which only the log and other rows that go along refer.
   * @returns it as it will be; what is changed in it until the end is stored with it
   */
  record<T extends object>(entity: EntityClass<T>, row: NewRow<T>): T {
    const made = completed(this.em, entity, row);
    const before = { ...made };
    this.ride(() => changedInsertion(this.em, entity, row, before, made));
    return made;
  }

  /** The same for what will have been changed in a row that was read with a lock. @returns the row */
  follow<T extends object>(entity: EntityClass<T>, row: T): T {
    const before = { ...row };
    this.ride(() => changeOf(this.em, entity, before, row));
    return row;
  }

  /**
   * Hands over what goes along with a statement: what follows the parts of its `with`, and the columns of its `select`,
   * and who is to be told the row that comes of them.
   */
  takeRiders(): {
    parts: RawBuilder<unknown>;
    columns: RawBuilder<unknown>;
    tell: (row: Row) => void;
  } {
    const riders = this.#riders.flatMap(({ change, onRows }, index) => {
      const part = change();
      return part ? [{ part, onRows, name: `part_${index}` }] : [];
    });
    this.#riders = [];
    const parts = riders.map(({ part, name }) => sql`, ${sql.ref(name)} as (${part})`);
    const heard = riders.filter(({ onRows }) => onRows !== null);
    const columns = heard.map(
      ({ name }) => sql`, (select json_agg(${sql.ref(name)}) from ${sql.ref(name)}) as ${sql.ref(name)}`,
    );
    return {
      parts: concatenated(parts),
      columns: concatenated(columns),
      tell: (row) => {
        for (const { name, onRows } of heard) onRows?.((row[name] as Row[] | null) ?? []);
      },
    };
  }

  async finish(): Promise<void> {
    await this.em.flush();
    const steps = [...this.#steps.values(), ...this.#numbering];
    if (this.#riders.length > 0 && this.#steps.size === 0) steps.unshift((last) => this.#carryRiders(last));
    if (this.#changes.length > 0)
      await sql`${steps.length === 0 ? LAST : sql``}with ${sql.join(this.#changes.map(asPart))} select 1`.execute(
        kysely(this.em),
      );
    for (const [index, step] of steps.entries()) await step(index === steps.length - 1 ? LAST : sql``);
    // What was changed since is not stored silently after the commit, nor lost silently: the driver refuses it.
    await this.em.flush();
  }

  /** Of a transaction that logged nothing. */
  async #carryRiders(last: RawBuilder<unknown>): Promise<void> {
    const { parts, columns, tell } = this.takeRiders();
    const { rows } = await sql<Row>`${last}with alone as (select 1)${parts} select 1${columns}`.execute(
      kysely(this.em),
    );
    tell(rows[0] ?? {});
  }

  /** What was left for after the commit. */
  committed(): void {
    for (const call of this.#calls) call();
    if (this.#rings.size > 0) this.runtime.doorbell.ring(this.#rings);
  }
}

const LAST = sql.raw(COMMITTING);

function concatenated(parts: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return parts.length > 0 ? sql.join(parts, sql``) : sql``;
}

/** A data-modifying part of a statement is carried out whether or not anything refers to it. */
function asPart(change: RawBuilder<unknown>, index: number): RawBuilder<unknown> {
  return sql`${sql.raw(`part_${index}`)} as (${change})`;
}

/** Runs `work` in one transaction. Nothing of it is seen, logged or rung when it throws. */
export async function transact<T>(runtime: Runtime, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const em = runtime.db.fork();
  // As the ORM's own `transactional`, but for what that does for transactions within transactions.
  let tx: Transaction | undefined;
  const result = await em.getConnection('write').transactional(async (context) => {
    em.setTransactionContext(context);
    tx = new Transaction(runtime, em);
    const value = await work(tx);
    await tx.finish();
    return value;
  });
  tx?.committed();
  return result;
}
