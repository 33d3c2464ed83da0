import { sql } from 'kysely';
import { expect } from 'vitest';
import { kysely } from '../../src/platform/database.ts';
import type { RunningServer } from '../../src/server/server.ts';

/** The rows of a query written in SQL, for what the API does not show. */
export async function rowsOf<T>(server: RunningServer, text: string): Promise<T[]> {
  return (await sql.raw<T>(text).execute(kysely(server.runtime.db.fork()))).rows;
}

export async function countOf(server: RunningServer, table: string, where = 'true'): Promise<number> {
  const [row] = await rowsOf<{ count: number }>(
    server,
    `select count(*)::int as count from "${table}" where ${where}`,
  );
  return row?.count ?? 0;
}

/** A row without a daemon's sign of life, which comes by itself, and without when a key was last used. */
const ROW = "(to_jsonb(r) - 'last_heartbeat_at' - 'last_used_at')::text";

/** Every table with the number of its rows and a digest of what stands in them. */
export async function snapshot(server: RunningServer): Promise<Record<string, string>> {
  const tables = await rowsOf<{ name: string }>(
    server,
    "select tablename as name from pg_tables where schemaname = 'public' and tablename not like 'mikro_orm%' order by tablename",
  );
  const parts = tables.map(
    ({ name }) =>
      `select '${name}' as name, count(*) || ' rows, ' || coalesce(md5(string_agg(${ROW}, '|' order by ${ROW})), '') as state from "${name}" r`,
  );
  const rows = await rowsOf<{ name: string; state: string }>(server, parts.join(' union all '));
  return Object.fromEntries(rows.map((row) => [row.name, row.state]));
}

/** Runs calls that must be refused, and shows that not a single row of the database differs afterwards. */
export async function changesNothing<T>(server: RunningServer, calls: () => Promise<T>): Promise<T> {
  const before = await snapshot(server);
  const result = await calls();
  expect(await snapshot(server)).toEqual(before);
  return result;
}
