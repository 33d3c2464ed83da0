import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrateDatabase } from '../../src/server/migrate.ts';
import { type Cluster, startCluster } from '../../test/support/start-cluster.ts';

const TEMPLATE = 'taskmesh_template';

export interface WorldDatabase {
  /** null: embedded, in the data directory. */
  readonly url: string | null;
  readonly dataDir: string;
  /** What is really there. The embedded database can be asked only while no server has it open. */
  query<Row>(sql: string): Promise<Row[]>;
  drop(): Promise<void>;
}

/** A PostgreSQL of the run's own, and templates with the schema in them. */
export class Databases {
  readonly #directory: string;
  #cluster: Cluster | undefined;
  #hasEmbeddedTemplate = false;

  constructor() {
    this.#directory = mkdtempSync(join(tmpdir(), 'taskmesh-chaos-'));
  }

  /** @param isEmpty without even the schema */
  async create(kind: 'postgresql' | 'embedded', isEmpty = false): Promise<WorldDatabase> {
    const dataDir = mkdtempSync(join(this.#directory, 'data '));
    const remove = () => rmSync(dataDir, { recursive: true, force: true });
    if (kind === 'embedded') {
      if (!isEmpty) await this.#copyEmbeddedTemplate(dataDir);
      return {
        url: null,
        dataDir,
        query: (sql) => queryEmbedded(join(dataDir, 'database'), sql),
        drop: async () => remove(),
      };
    }
    const cluster = await this.#startCluster();
    const name = `chaos_${randomBytes(6).toString('hex')}`;
    await queryAt(cluster.url, `create database ${name} ${isEmpty ? '' : `template ${TEMPLATE}`}`);
    const url = new URL(cluster.url);
    url.pathname = name;
    return {
      url: url.href,
      dataDir,
      query: (sql) => queryAt(url.href, sql),
      drop: async () => {
        remove();
        await queryAt(cluster.url, `drop database if exists ${name} with (force)`);
      },
    };
  }

  async #startCluster(): Promise<Cluster> {
    if (this.#cluster) return this.#cluster;
    // Commits are as an installation has them: a backend that is killed takes nothing with it that was acknowledged.
    this.#cluster = await startCluster(['shared_buffers=128MB', 'max_wal_size=2GB', 'fsync=off']);
    await queryAt(this.#cluster.url, `create database ${TEMPLATE}`);
    const url = new URL(this.#cluster.url);
    url.pathname = TEMPLATE;
    await migrateAt(this.#directory, url.href);
    return this.#cluster;
  }

  async #copyEmbeddedTemplate(dataDir: string): Promise<void> {
    const template = join(this.#directory, 'template');
    if (!this.#hasEmbeddedTemplate) await migrateAt(template, null);
    this.#hasEmbeddedTemplate = true;
    cpSync(template, dataDir, { recursive: true });
  }

  close(): void {
    this.#cluster?.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

async function migrateAt(dataDir: string, databaseUrl: string | null): Promise<void> {
  await migrateDatabase({
    host: '127.0.0.1',
    port: 0,
    dataDir,
    databaseUrl,
    logLevel: 'silent',
    production: false,
  });
}

async function queryAt<Row>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query(sql).finally(() => client.end());
  return rows as Row[];
}

async function queryEmbedded<Row>(directory: string, sql: string): Promise<Row[]> {
  const { PGlite } = await import('@electric-sql/pglite');
  const database = await PGlite.create(directory);
  const { rows } = await database.query(sql).finally(() => database.close());
  return rows as Row[];
}
