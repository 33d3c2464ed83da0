import type { Writable } from 'node:stream';
import type pg from 'pg';
import { PreparingClient } from './preparing-client.ts';

/** Before the last statement of a transaction: its commit is sent along with it. To a database it is a comment. */
export const COMMITTING = '/* the last */ ';

interface Result {
  readonly command: string;
  readonly rowCount: number | null;
  readonly rows: readonly unknown[];
}
type AnyQuery = (config: unknown, ...more: unknown[]) => Promise<Result>;

/** As the driver says it of a statement without rows. */
function answerTo(statement: string): Result {
  return { command: statement.toUpperCase(), rowCount: null, rows: [] };
}

/**
 * A connection that sends `begin` along with the first statement of a transaction, and `commit` along with the last: a
 * trip to the database less for each, and the locks of the last statement are not held while we think. PostgreSQL answers
 * in order, and a `commit` behind a statement that failed undoes the transaction, so nothing is kept of a half.
 */
export class PipeliningClient extends PreparingClient {
  /** Of the transaction under way: asked for, until something follows it; its answer to come; or there is none. */
  #begin: 'asked' | Promise<Result> | null = null;
  #end: Promise<Result> | null = null;
  /** Statements that wait for `begin` to be answered. */
  #waiting = 0;
  #isCorked = false;

  constructor(config?: pg.ClientConfig) {
    super({ ...config, pipeline: true } as pg.ClientConfig);
    const query = this.query.bind(this) as unknown as AnyQuery;
    this.query = ((config: unknown, ...more: unknown[]) => {
      if (typeof config !== 'string') {
        if (this.#begin === null) return query(config, ...more);
        return Promise.reject(
          new Error('In a transaction only texts are sent: it is told by them what they may do.'),
        );
      }
      this.#sendTogether();
      if (config === 'begin') return this.#beginning();
      if (config === 'commit' || config === 'rollback') return this.#ending(query, config);
      if (this.#end)
        return Promise.reject(new Error(`Behind the last statement of a transaction came: ${config}`));
      if (this.#begin === null) return this.#send(query, config, more);
      const isFirst = this.#begin === 'asked';
      const begin = this.#begin === 'asked' ? sent(query('begin')) : this.#begin;
      this.#begin = begin;
      // By itself it changes nothing, or is all there is. Nothing overtakes what waits.
      const isHarmless = /^\s*select\b/i.test(config) || (isFirst && config.startsWith(COMMITTING));
      if (isHarmless && this.#waiting === 0) return this.#send(query, config, more);
      // Without a transaction each statement would be one of its own.
      this.#waiting += 1;
      return begin
        .finally(() => {
          this.#waiting -= 1;
        })
        .then(() => this.#send(query, config, more));
    }) as unknown as typeof this.query;
  }

  #beginning(): Promise<Result> {
    this.#end = null;
    this.#begin = 'asked';
    return Promise.resolve(answerTo('begin'));
  }

  #ending(query: AnyQuery, config: 'commit' | 'rollback'): Promise<Result> {
    const [begin, end] = [this.#begin, this.#end];
    this.#begin = null;
    this.#end = null;
    if (begin === 'asked') return Promise.resolve(answerTo(config));
    return config === 'commit' ? committed(end ?? query(config)) : (end ?? query(config));
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

  /** What is asked at once goes in one piece: to hand each to the system by itself takes longer than to make it. */
  #sendTogether(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    const { stream } = (this as unknown as { connection: { stream: Writable } }).connection;
    stream.cork();
    queueMicrotask(() => {
      this.#isCorked = false;
      stream.uncork();
    });
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
