import type { EntityManager } from './database.ts';
import type { Runtime } from './runtime.ts';

/**
 * A transaction under way. Everything in it uses its `em`; nothing in it opens another one. Changed entities are
 * flushed, then the steps registered with `beforeCommit` run (the log is appended last, so that its counter's lock
 * is held for the shortest time), and after the commit the doorbell rings.
 */
export class Transaction {
  readonly em: EntityManager;
  readonly runtime: Runtime;
  readonly now: Date;
  readonly #rings = new Set<string>();
  readonly #steps = new Map<object, () => Promise<void>>();

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

  async finish(): Promise<void> {
    await this.em.flush();
    for (const step of this.#steps.values()) await step();
  }

  get rings(): ReadonlySet<string> {
    return this.#rings;
  }
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
