import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Options } from '@mikro-orm/core';
import { type Migration, Migrator } from '@mikro-orm/migrations';
import type { SqlEntityManager, SqlMikroORM } from '@mikro-orm/sql';
import type { Kysely } from 'kysely';
import pg from 'pg';
import { NamingStrategy } from './columns.ts';
import type { ServerConfig } from './config.ts';
import { lockDataDirectory } from './data-lock.ts';
import { DomainError } from './errors.ts';
import { PATIENCE, watchedClient } from './watched-client.ts';

export type EntityManager = SqlEntityManager;
/** What statements are sent by that make no entities. */
export type Statements = Pick<EntityManager, 'getKysely' | 'getMetadata' | 'getPlatform'>;

/** What belongs to one transaction. */
export interface Bound {
  readonly statements: Statements;
  /** An EntityManager of the transaction. */
  fork(): EntityManager;
}

export interface MigrationEntry {
  readonly name: string;
  readonly class: new (...args: never[]) => Migration;
}

/** An open database, on PostgreSQL or embedded. Both behave the same, but for `embedded` having one connection. */
export interface Database {
  readonly embedded: boolean;
  readonly orm: SqlMikroORM;
  /** An EntityManager of its own for one operation. Within a transaction use that one's only: PGlite deadlocks else. */
  fork(): EntityManager;
  /** For statements outside of transactions: an EntityManager of its own costs more than to send most of them. */
  readonly statements: Statements;
  /** Runs `work` in a transaction, which is rolled back when it throws. */
  transactional<T>(work: (bound: Bound) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface DatabaseDefinition {
  readonly entities: NonNullable<Options['entities']>;
  readonly migrations: readonly MigrationEntry[];
}

/** Any number, the same in every instance: guards migrations on PostgreSQL. */
const MIGRATION_LOCK = 7_461_736_811;

/**
 * Opens the database without touching its schema.
 * @throws DomainError INVALID_INPUT when another process has the embedded one open
 */
export async function openDatabase(
  config: Pick<ServerConfig, 'databaseUrl' | 'dataDir'>,
  definition: DatabaseDefinition,
  patience = PATIENCE,
): Promise<Database> {
  const options = {
    entities: definition.entities,
    extensions: [Migrator],
    namingStrategy: NamingStrategy,
    migrations: {
      migrationsList: definition.migrations.map((entry) => ({
        name: entry.name,
        class: entry.class as never,
      })),
      snapshot: false,
      transactional: true,
      // Each in a transaction of its own: one that held a table while it waits for the next would block, or deadlock with,
      // the instances that go on working meanwhile.
      allOrNothing: false,
    },
    allowGlobalContext: false,
    forceUtcTimezone: true,
    // The migrator would print to the terminal; what it applied is returned and logged by the caller.
    logger: () => undefined,
  };
  if (config.databaseUrl !== null) {
    const { MikroORM } = await import('@mikro-orm/postgresql');
    const orm = (await MikroORM.init({
      ...options,
      clientUrl: config.databaseUrl,
      driverOptions: {
        Client: watchedClient(patience),
        lock_timeout: patience.lockMs,
        idle_in_transaction_session_timeout: patience.restMs,
        connectionTimeoutMillis: patience.silentMs,
      },
      pool: { min: 0, max: 20 },
    } as never)) as unknown as SqlMikroORM;
    return database(orm, false, () => undefined);
  }
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const unlock = lockDataDirectory(join(config.dataDir, 'database.lock'));
  try {
    const directory = join(config.dataDir, 'database');
    // The files in it are for all to read, and so would be all work, where the data directory was made by somebody else.
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, 0o700);
    const { MikroORM } = await import('@mikro-orm/pglite');
    const orm = (await MikroORM.init({
      ...options,
      dbName: directory,
    } as never)) as unknown as SqlMikroORM;
    return database(orm, true, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

function database(orm: SqlMikroORM, embedded: boolean, unlock: () => void): Database {
  const fork = () => orm.em.fork() as EntityManager;
  const statements = fork();
  const [metadata, platform] = [statements.getMetadata(), statements.getPlatform()];
  const boundTo = (context: unknown) =>
    ({ getKysely: () => context, getMetadata: () => metadata, getPlatform: () => platform }) as Statements;
  return {
    embedded,
    orm,
    fork,
    statements,
    transactional: (work) =>
      statements.getConnection('write').transactional((context) =>
        work({
          statements: boundTo(context),
          fork: () => {
            const em = fork();
            em.setTransactionContext(context);
            return em;
          },
        }),
      ),
    close: async () => {
      try {
        await orm.close(true);
      } finally {
        unlock();
      }
    },
  };
}

/**
 * Brings the schema up to date. Several instances that start at once do it one after the other.
 * @returns names of the migrations that were applied
 */
export async function migrate(db: Database, databaseUrl: string | null): Promise<string[]> {
  if (databaseUrl === null) return up(db);
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'taskmesh migrate' });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    return await up(db);
  } finally {
    await client.end();
  }
}

/**
 * Looks whether the schema is as new as this version needs it; one that is newer has only additions (ADR 16).
 * @throws DomainError INVALID_INPUT when it is older
 */
export async function assertMigrated(db: Database): Promise<void> {
  const pending = await migratorOf(db).getPending();
  if (pending.length === 0) return;
  throw new DomainError(
    'INVALID_INPUT',
    'The database is older than this version of Taskmesh. Bring it up to date first: taskmesh migrate.',
    { field: 'databaseUrl' },
  );
}

function migratorOf(db: Database): Migrator {
  return (db.orm as unknown as { migrator: Migrator }).migrator;
}

async function up(db: Database): Promise<string[]> {
  const applied = await migratorOf(db).up();
  return applied.map((migration) => migration.name);
}

/** The query builder on the connection of this EntityManager: bound to its transaction inside one. */
export function kysely(em: Statements): Kysely<never> {
  return em.getKysely() as unknown as Kysely<never>;
}
