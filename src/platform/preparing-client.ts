import pg from 'pg';

/** Statements that are prepared, at most: each is kept by each connection. */
const MAX_STATEMENTS = 200;
/**
 * Longer ones, and those with more parameters, are lists whose length differs from call to call. The most that one of a
 * fixed form has is the spawn with its start: 68.
 */
const MAX_LENGTH = 8_000;
const MAX_PARAMETERS = 100;
/** How often a statement is seen before it is prepared. */
const TIMES = 3;

/** A parameter of so many characters is worth letting go of. */
const LARGE = 32_768;

/** How often each statement was seen, and the name of those that are prepared; the same in all connections. */
const seen = new Map<string, number>();
const names = new Map<string, string>();

function nameOf(text: string, values: readonly unknown[]): string | undefined {
  const known = names.get(text);
  if (known || text.length > MAX_LENGTH || values.length > MAX_PARAMETERS) return known;
  if (names.size >= MAX_STATEMENTS) return undefined;
  const times = (seen.get(text) ?? 0) + 1;
  if (times < TIMES) {
    // What comes once in a while does not fill the memory.
    if (seen.size >= 10 * MAX_STATEMENTS) seen.clear();
    seen.set(text, times);
    return undefined;
  }
  seen.delete(text);
  const name = `taskmesh_${names.size}`;
  names.set(text, name);
  return name;
}

function isLarge(value: unknown): boolean {
  return typeof value === 'string' && value.length >= LARGE;
}

/** The driver's own record of a statement, which it would else copy from ours property by property. */
type Asked = pg.Query & { name: string; callback: (error: Error | null, result: unknown) => void };

function prepared(query: AnyQuery, name: string, text: string, values: readonly unknown[]): Promise<unknown> {
  const asked = new pg.Query(text, values as unknown[]) as Asked;
  asked.name = name;
  return new Promise((resolve, reject) => {
    asked.callback = (error, result) => (error ? reject(error) : resolve(result));
    query(asked);
  });
}

type AnyQuery = (config: unknown, values?: unknown, callback?: unknown) => unknown;

/**
 * A connection that prepares the statements which come again and again. Neither the ORM nor Kysely names its statements,
 * so PostgreSQL parsed and planned each anew: for the larger ones that takes longer than to execute them.
 */
export class PreparingClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config as pg.ClientConfig);
    const query = super.query.bind(this) as AnyQuery;
    this.query = ((config: unknown, values?: unknown, callback?: unknown) => {
      // Without parameters they are either trivial or, from the ORM, different each time.
      if (typeof config !== 'string' || !Array.isArray(values) || values.length === 0)
        return query(config, values, callback);
      const name = nameOf(config, values);
      const ask = (own: readonly unknown[]) =>
        name && callback === undefined ? prepared(query, name, config, own) : query(config, own, callback);
      if (!values.some(isLarge)) return ask(values);
      // The driver's record of a statement that is done stays in memory until the next full collection, however young it
      // is (measured; what it is found from is not known), and of a batch of output the record is half a megabyte.
      const own = [...values];
      const answer = ask(own);
      if (!(answer instanceof Promise)) return answer;
      return answer.finally(() => {
        own.length = 0;
      });
    }) as typeof this.query;
  }
}
