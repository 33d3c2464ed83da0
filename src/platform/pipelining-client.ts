import type pg from 'pg';
import { PreparingClient } from './preparing-client.ts';

/** Before the last statement of a transaction: its commit is sent along with it. To a database it is a comment. */
export const COMMITTING = '/* the last */ ';

type AnyQuery = (config: unknown, ...more: unknown[]) => unknown;

/** What the driver says of a statement without rows. */
const NOTHING = { command: 'BEGIN', rowCount: null, rows: [] };

/**
 * A connection that sends `begin` along with the first statement of a transaction, and `commit` along with the last: a
 * trip to the database less for each, and the locks of the last statement are not held while we think. PostgreSQL answers
 * in order, and a `commit` behind a statement that failed undoes the transaction, so nothing is kept of a half.
 */
export class PipeliningClient extends PreparingClient {
  /** Why `begin` failed: what follows it must not be done without a transaction. */
  #notBegun: Error | null = null;
  #end: Promise<unknown> | null = null;

  constructor(config?: pg.ClientConfig) {
    super({ ...config, pipeline: true } as pg.ClientConfig);
    const query = this.query.bind(this) as AnyQuery;
    this.query = ((config: unknown, ...more: unknown[]) => {
      if (config === 'begin') return this.#begin(query);
      const end = this.#end;
      if (end && (config === 'commit' || config === 'rollback')) {
        this.#end = null;
        return end;
      }
      if (this.#notBegun) {
        const error = this.#notBegun;
        if (config !== 'rollback') return Promise.reject(error);
        this.#notBegun = null;
      }
      const answer = query(config, ...more);
      if (typeof config === 'string' && config.startsWith(COMMITTING)) this.#end = sent(query('commit'));
      return answer;
    }) as typeof this.query;
  }

  #begin(query: AnyQuery): Promise<unknown> {
    this.#end = null;
    this.#notBegun = null;
    sent(query('begin')).catch((error: Error) => {
      this.#notBegun = error;
    });
    return Promise.resolve(NOTHING);
  }
}

/** Whoever has sent it asks for the answer later: until then a failure is nobody's. */
function sent(answer: unknown): Promise<unknown> {
  const promise = answer as Promise<unknown>;
  promise.catch(() => undefined);
  return promise;
}
