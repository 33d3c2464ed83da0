import type pg from 'pg';
import { PipeliningClient } from './pipelining-client.ts';

/** What the pool of connections is made with, besides how to reach the database. */
export interface Patience {
  /** How long PostgreSQL lets a statement wait for a lock. Milliseconds. */
  readonly lockMs: number;
  /** How long PostgreSQL lets a transaction rest between two statements. Milliseconds. */
  readonly restMs: number;
  /** How long we wait for the answer to a statement. Milliseconds. */
  readonly silentMs: number;
}

/**
 * An instance that is held still, or cut off, in the middle of a transaction keeps its locks, and everybody writes to
 * the same counters. So PostgreSQL ends such a transaction; and those of that instance that stand in line behind it give
 * up before, or each would get the lock in its turn and rest on it. Who is told so repeats the call.
 */
export const PATIENCE: Patience = { lockMs: 5_000, restMs: 6_000, silentMs: 30_000 };

type Release = (error?: Error | boolean) => void;

/** What changes the schema, or all of a table, may take as long as it takes. */
const UNHURRIED = /^\s*(create|alter|drop|comment|truncate|set|do)\b/i;

/** A connection whose packets vanish never fails by itself: one that does not answer is closed. */
export function watchedClient({ silentMs }: Patience): new (config?: pg.ClientConfig) => pg.Client {
  const open = new Set<WatchedClient>();

  class WatchedClient extends PipeliningClient {
    #heardAt = performance.now();
    #isAsking = false;
    #release: Release = () => undefined;

    constructor(config?: pg.ClientConfig) {
      super(config);
      open.add(this);
      this.once('end', () => {
        open.delete(this);
        // The query builder gives a connection back only behind a rollback that succeeded. One that ended in a
        // transaction would stay taken for ever, and twenty of them are all there are.
        this.#release(true);
      });
      const query = this.query.bind(this) as (...args: unknown[]) => unknown;
      this.query = ((config: unknown, ...more: unknown[]) => {
        const answer = query(config, ...more);
        if (!(answer instanceof Promise) || (typeof config === 'string' && UNHURRIED.test(config)))
          return answer;
        const sentAt = performance.now();
        this.#isAsking = true;
        const overdue = setTimeout(() => closeSilent(this, sentAt), silentMs);
        return answer.finally(() => {
          clearTimeout(overdue);
          this.#isAsking = false;
          this.#heardAt = performance.now();
        });
      }) as typeof this.query;
    }

    /** Set by the pool at each hand-out, which minds being told twice. */
    set release(release: Release) {
      let isReleased = false;
      this.#release = (error) => {
        if (isReleased) return;
        isReleased = true;
        release(error);
      };
    }

    get release(): Release {
      return this.#release;
    }

    /** Nothing was heard on it since then, and nothing is awaited that may yet come. */
    isSilentSince(moment: number): boolean {
      return !this.#isAsking && this.#heardAt < moment;
    }

    cut(): void {
      const { connection } = this as unknown as { connection: { stream: { destroy(): void } } };
      connection.stream.destroy();
    }
  }

  /** What happened to one has most likely happened to all: each would cost the next caller as long. */
  function closeSilent(client: WatchedClient, sentAt: number): void {
    for (const other of open) if (other === client || other.isSilentSince(sentAt)) other.cut();
  }

  return WatchedClient;
}
