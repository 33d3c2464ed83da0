import { migrations } from '../../migrations/index.ts';
import { openDatabase } from '../../src/platform/database.ts';
import { entities } from '../../src/server/entities.ts';
import type { TestDatabase } from './database.ts';

interface ForeignKey {
  readonly name: string;
  readonly indexed: boolean;
}

/** Deleting what is referred to, and following a reference backwards, would read the whole table without one. */
export async function foreignKeysWithoutIndex(
  database: TestDatabase,
): Promise<{ total: number; without: string[] }> {
  const db = await openDatabase(database, { entities, migrations });
  // The first columns of an index that covers all rows are those of the key, in any order.
  const keys: ForeignKey[] = await db.fork().execute(`
    select c.conrelid::regclass || ': ' || c.conname as name, exists (
      select 1 from pg_index i
      where i.indrelid = c.conrelid and i.indpred is null
        and (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey
    ) as indexed
    from pg_constraint c where c.contype = 'f' order by 1`);
  await db.close();
  return { total: keys.length, without: keys.filter(({ indexed }) => !indexed).map(({ name }) => name) };
}
