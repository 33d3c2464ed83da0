import type pg from 'pg';
import { PreparingClient } from './preparing-client.ts';

/** Before the last statement of a transaction: its commit is sent along with it. To a database it is a comment. */
export const COMMITTING = '/* the last */ ';

/** What may be sent before it is known that `begin` succeeded: by itself it changes nothing, or is all there is. */
const BESIDE_BEGIN = /^\s*select\b|^\/\* the last \*\//i;

interface Result {
  readonly command: string;
}
type AnyQuery = (config: unknown, ...more: unknown[]) => Promise<Result>;

/** What the driver says of a statement without rows. */
const BEGUN = { command: 'BEGIN', rowCount: null, rows: [] };

/**
 * A connection that sends `begin` along with the first statement of a transaction, and `commit` along with the last: a
 * trip to the database less for each, and the locks of the last statement are not held while we think. PostgreSQL answers
 * in order, and a `commit` behind a statement that failed undoes the transaction, so nothing is kept of a half.
 */
export class PipeliningClient extends PreparingClient {
  /** Of the transaction under way, while it has one. */
  #begin: Promise<unknown> | null = null;
  #isFirst = false;
  #end: Promise<Result> | null = null;

  constructor(config?: pg.ClientConfig) {
    super({ ...config, pipeline: true } as pg.ClientConfig);
    const query = this.query.bind(this) as unknown as AnyQuery;
    this.query = ((config: unknown, ...more: unknown[]) => {
      if (typeof config !== 'string') return query(config, ...more);
      if (config === 'begin') return this.#beginning(query);
      const [begin, isFirst, end] = [this.#begin, this.#isFirst, this.#end];
      this.#isFirst = false;
      if (config === 'commit' || config === 'rollback') {
        this.#begin = null;
        this.#end = null;
        return config === 'commit' ? committed(end ?? query(config)) : (end ?? query(config));
      }
      if (end) return Promise.reject(new Error(`Behind the last statement of a transaction came: ${config}`));
      // Without a transaction each statement would be one of its own.
      if (begin && !(isFirst && BESIDE_BEGIN.test(config)))
        return begin.then(() => this.#send(query, config, more));
      return this.#send(query, config, more);
    }) as unknown as typeof this.query;
  }

  #beginning(query: AnyQuery): Promise<Result> {
    this.#end = null;
    this.#begin = sent(query('begin'));
    this.#isFirst = true;
    return Promise.resolve(BEGUN);
  }

  #send(query: AnyQuery, config: string, more: unknown[]): Promise<Result> {
    if (!config.startsWith(COMMITTING)) return query(config, ...more);
    const [values] = more as [unknown[] | undefined];
    if (!(values ?? []).every(isWritable))
      return Promise.reject(new TypeError(`The driver cannot write a value of: ${config}`));
    const answer = query(config, ...more);
    this.#end = sent(query('commit'));
    return answer;
  }
}

/** Behind a statement that failed PostgreSQL answers `commit` by undoing the transaction, and that is no error to it. */
async function committed(commit: Promise<Result>): Promise<Result> {
  const answer = await commit;
  if (answer.command === 'COMMIT') return answer;
  throw new Error('The transaction was undone at its commit: one of its statements had failed.');
}

/** What the driver would fail at it would notice when the commit is on its way. */
function isWritable(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isWritable);
  return value === null || typeof value !== 'object' || value instanceof Date || value instanceof Uint8Array;
}

/** Whoever has sent it asks for the answer later: until then a failure is nobody's. */
function sent(answer: Promise<Result>): Promise<Result> {
  answer.catch(() => undefined);
  return answer;
}
