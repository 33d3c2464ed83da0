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

/** What comes by itself: a daemon's sign of life, and when a key was last used. */
const BY_ITSELF = ['last_heartbeat_at', 'last_used_at'];

/** The statement that reads all tables: every database of a run has the same ones. */
let reading: Promise<string> | undefined;

async function statement(server: RunningServer): Promise<string> {
  const tables = await rowsOf<{ name: string; columns: string }>(
    server,
    `select table_name as name, string_agg('r."' || column_name || '"', ',' order by ordinal_position) as columns
     from information_schema.columns join pg_tables on tablename = table_name and schemaname = table_schema
     where table_schema = 'public' and table_name not like 'mikro_orm%' and column_name not in ('${BY_ITSELF.join("','")}')
     group by table_name order by table_name`,
  );
  // The sum of the rows' digests, since sorting them costs more than all the rest; no two rows of a table are alike.
  const parts = tables.map(
    ({ name, columns }) =>
      `select '${name}' as name, count(*) || ' rows, ' || coalesce(sum(hashtextextended(row(${columns})::text, 0)), 0) as state from "${name}" r`,
  );
  return parts.join(' union all ');
}

/** Every table with the number of its rows and a digest of what stands in them. */
export async function snapshot(server: RunningServer): Promise<Record<string, string>> {
  reading ??= statement(server);
  const rows = await rowsOf<{ name: string; state: string }>(server, await reading);
  return Object.fromEntries(rows.map((row) => [row.name, row.state]));
}

/**
 * Runs calls that must be refused, and shows that not a single row of the database differs afterwards. What the scheduler
 * would do by itself is done before: a spawn that nobody accepted is taken back, a question expires.
 */
export async function changesNothing<T>(server: RunningServer, calls: () => Promise<T>): Promise<T> {
  await server.scheduler.sweepNow();
  const before = await snapshot(server);
  const result = await calls();
  expect(await snapshot(server)).toEqual(before);
  return result;
}
