import { access, constants, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { lockHolder } from '../../platform/data-lock.ts';
import { type Check, fail, isAtLeast, ok, warn } from './check.ts';

const POSTGRES_VERSION = '15';
const CONNECT_MS = 5_000;

/** Whether others on this machine may read or write it. */
const OTHERS = 0o077;

export async function checkDataDirectory(directory: string): Promise<Check> {
  const entry = await stat(directory).catch(() => null);
  if (!entry) return ok('data directory', `${directory} is not there yet: the first start makes it`);
  if (!entry.isDirectory())
    return fail('data directory', `${directory} is no directory`, 'choose another with --data-dir');
  const isWritable = await access(directory, constants.W_OK).then(
    () => true,
    () => false,
  );
  if (!isWritable)
    return fail('data directory', `${directory} cannot be written to`, `make it yours: chown ${directory}`);
  if (entry.mode & OTHERS)
    return warn('data directory', `others can look into ${directory}`, `chmod 700 ${directory}`);
  return ok('data directory', `${directory}, for this user alone`);
}

/** @param databaseUrl PostgreSQL; null: the embedded database */
export async function checkDatabase(databaseUrl: string | null, dataDir: string): Promise<Check> {
  return databaseUrl === null ? checkEmbedded(dataDir) : checkPostgres(databaseUrl);
}

async function checkEmbedded(dataDir: string): Promise<Check> {
  const holder = lockHolder(join(dataDir, 'database.lock'));
  if (holder !== null) return ok('database', `embedded, in use by process ${holder}`);
  const exists = await stat(join(dataDir, 'database')).then(
    () => true,
    () => false,
  );
  return ok('database', exists ? 'embedded, not in use now' : 'embedded, made by the first start');
}

async function checkPostgres(databaseUrl: string): Promise<Check> {
  const { hostname, port, pathname } = new URL(databaseUrl);
  // Never with its password.
  const where = `${hostname}:${port || 5432}${pathname}`;
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: CONNECT_MS });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    const version = rows[0]?.server_version ?? '0';
    if (isAtLeast(version, POSTGRES_VERSION)) return ok('database', `PostgreSQL ${version} at ${where}`);
    const found = `PostgreSQL ${version} at ${where}, and ${POSTGRES_VERSION} is needed`;
    return fail('database', found, 'use a newer server');
  } catch (error) {
    const found = `PostgreSQL at ${where}: ${(error as Error).message}`;
    return fail('database', found, 'see that it runs and that DATABASE_URL is right');
  } finally {
    await client.end().catch(() => undefined);
  }
}
