import type { RunningServer } from '../../src/server/server.ts';

type Execute = (this: unknown, query: { sql: string }, ...rest: unknown[]) => Promise<unknown>;

/**
 * Lists the SQL statements that the servers of this process run while `work` does. On either database they pass Kysely's
 * executor, transactions too; not those that `readInTurn` sends.
 */
export async function statementsDuring(
  server: RunningServer,
  work: (soFar: readonly string[]) => Promise<unknown>,
): Promise<string[]> {
  const executor: object = server.runtime.db.orm.em.fork().getKysely().getExecutor();
  let prototype = executor as { executeQuery: Execute };
  while (!Object.hasOwn(prototype, 'executeQuery')) prototype = Object.getPrototypeOf(prototype);
  const original = prototype.executeQuery;
  const statements: string[] = [];
  prototype.executeQuery = function (query, ...rest) {
    statements.push(query.sql);
    return original.call(this, query, ...rest);
  };
  try {
    await work(statements);
  } finally {
    prototype.executeQuery = original;
  }
  return statements;
}
