import type { EntityClass } from '@mikro-orm/core';
import type { RawBuilder } from 'kysely';
import { type Bound, type EntityManager, kysely, type Statements } from './database.ts';
import type { Row } from './entity-table.ts';
import { COMMITTING } from './pipelining-client.ts';
import type { Runtime } from './runtime.ts';
import { NOTHING, stated, Wording, worded } from './wording.ts';
import { changedInsertion, changeOf, completed, insertion, type NewRow } from './write-rows.ts';

/** @param last is put before the only, or the last, statement of the step */
type LastStep = (last: RawBuilder<unknown>) => Promise<void>;

/** What goes along with a statement: what follows the parts of its `with`, and the columns of its `select`. */
interface Riders {
  readonly parts: RawBuilder<unknown>;
  readonly columns: RawBuilder<unknown>;
  /** Tells those who are to hear it the row that comes of them. */
  readonly tell: (row: Row) => void;
}

/** What is written along with the log, when it has come to that, and what is told of the rows that it returns. */
interface Rider {
  readonly change: () => RawBuilder<unknown> | null;
  readonly onRows: ((rows: readonly Row[]) => void) | null;
}

/**
 * A transaction under way. Everything in it uses its `statements` or its `em`; nothing in it opens another one. At its end
 * changed entities are flushed, what was to be written is, then the steps registered with `beforeCommit` run (the log is
 * appended last, so that its counter's lock is held for the shortest time), and after the commit the doorbell rings.
 *
 * What goes along with the append saves a round trip, and is written while the log's counter is held. So it may touch,
 * and refer to, only rows that this transaction has locked before, and those that nobody locks more strongly than
 * `no key update` (contracts, daemons, working copies): else two transactions could wait for each other.
 */
export class Transaction {
  /** For what is read and written past the ORM. */
  readonly statements: Statements;
  readonly runtime: Runtime;
  readonly now: Date;
  readonly #bound: Bound;
  #em: EntityManager | undefined;
  readonly #rings = new Set<string>();
  readonly #calls: (() => void)[] = [];
  readonly #steps = new Map<object, LastStep>();
  readonly #numbering: LastStep[] = [];
  readonly #changes: RawBuilder<unknown>[] = [];
  #riders: Rider[] = [];

  constructor(runtime: Runtime, bound: Bound) {
    this.runtime = runtime;
    this.statements = bound.statements;
    this.#bound = bound;
    this.now = runtime.clock.now();
  }

  /** For what the ORM follows. Made when it is asked for: that takes as long as to decide on a small change. */
  get em(): EntityManager {
    return (this.#em ??= this.#bound.fork());
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
    this.write(insertion(this.statements, entity, row));
  }

  /** A new row that something else in this transaction refers to. @returns it as it is stored */
  async insertNow<T extends object>(entity: EntityClass<T>, row: NewRow<T>): Promise<T> {
    await insertion(this.statements, entity, row).execute(kysely(this.statements));
    return completed(this.statements, entity, row);
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
    const made = completed(this.statements, entity, row);
    const before = { ...made };
    this.ride(() => changedInsertion(this.statements, entity, row, before, made));
    return made;
  }

  /** The same for what will have been changed in a row that was read with a lock. @returns the row */
  follow<T extends object>(entity: EntityClass<T>, row: T): T {
    const before = { ...row };
    this.ride(() => changeOf(this.statements, entity, before, row));
    return row;
  }

  /** Hands over what goes along with a statement. */
  takeRiders(): Riders {
    const parts = new Wording();
    const columns = new Wording();
    const heard: { name: string; onRows: NonNullable<Rider['onRows']> }[] = [];
    for (const [index, { change, onRows }] of this.#riders.entries()) {
      const part = change();
      if (!part) continue;
      const name = `part_${index}`;
      parts.say(`, ${name} as (`).give(part).say(')');
      if (!onRows) continue;
      columns.say(`, (select json_agg(${name}) from ${name}) as ${name}`);
      heard.push({ name, onRows });
    }
    this.#riders = [];
    return {
      parts: parts.end(),
      columns: columns.end(),
      tell: (row) => {
        for (const { name, onRows } of heard) onRows((row[name] as Row[] | null) ?? []);
      },
    };
  }

  async finish(): Promise<void> {
    await this.#em?.flush();
    const steps = [...this.#steps.values(), ...this.#numbering];
    if (this.#riders.length > 0 && this.#steps.size === 0) steps.unshift((last) => this.#carryRiders(last));
    if (this.#changes.length > 0) await this.#carryChanges(steps.length === 0 ? LAST : NOTHING);
    for (const [index, step] of steps.entries()) await step(index === steps.length - 1 ? LAST : NOTHING);
    // What was changed since is not stored silently after the commit, nor lost silently: the driver refuses it.
    await this.#em?.flush();
  }

  /** A data-modifying part of a statement is carried out whether or not anything refers to it. */
  async #carryChanges(last: RawBuilder<unknown>): Promise<void> {
    const parts = new Wording();
    for (const [index, change] of this.#changes.entries())
      parts
        .say(`${index === 0 ? '' : ', '}part_${index} as (`)
        .give(change)
        .say(')');
    await worded`${last}with ${parts.end()} select 1`.execute(kysely(this.statements));
  }

  /** Of a transaction that logged nothing. */
  async #carryRiders(last: RawBuilder<unknown>): Promise<void> {
    const { parts, columns, tell } = this.takeRiders();
    const { rows } = await worded`${last}with alone as (select 1)${parts} select 1${columns}`.execute(
      kysely(this.statements),
    );
    tell((rows[0] as Row | undefined) ?? {});
  }

  /** What was left for after the commit. */
  committed(): void {
    for (const call of this.#calls) call();
    if (this.#rings.size > 0) this.runtime.doorbell.ring(this.#rings);
  }
}

const LAST = stated([COMMITTING], []);

/** Runs `work` in one transaction. Nothing of it is seen, logged or rung when it throws. */
export async function transact<T>(runtime: Runtime, work: (tx: Transaction) => Promise<T>): Promise<T> {
  // As the ORM's own `transactional`, but for what that does for transactions within transactions.
  let tx: Transaction | undefined;
  const result = await runtime.db.transactional(async (bound) => {
    tx = new Transaction(runtime, bound);
    const value = await work(tx);
    await tx.finish();
    return value;
  });
  tx?.committed();
  return result;
}
