import { migrations } from '../../migrations/index.ts';
import type { ServerConfig } from '../platform/config.ts';
import { migrate, openDatabase } from '../platform/database.ts';
import { entities } from './entities.ts';

/** Brings the database's schema up to date, and nothing else. @returns names of the migrations it applied */
export async function migrateDatabase(config: ServerConfig): Promise<string[]> {
  const db = await openDatabase(config, { entities, migrations });
  try {
    return await migrate(db, config.databaseUrl);
  } finally {
    await db.close();
  }
}
