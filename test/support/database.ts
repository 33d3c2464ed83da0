import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { inject } from 'vitest';

export interface TestDatabase {
  /** null: embedded, in the data directory. */
  readonly databaseUrl: string | null;
  readonly dataDir: string;
  drop(): Promise<void>;
}

/** Whether this run is on the embedded database. */
export const embedded = process.env.TEST_DATABASE !== 'postgres';

/** A database of its own with the schema and nothing in it, on whichever database this run is about. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const dataDir = mkdtempSync(join(tmpdir(), 'taskmesh-test-'));
  const remove = () => rmSync(dataDir, { recursive: true, force: true });
  if (embedded) {
    cpSync(inject('templateDirectory'), dataDir, { recursive: true });
    return { databaseUrl: null, dataDir, drop: async () => remove() };
  }
  const template = new URL(inject('templateUrl'));
  const templateName = template.pathname.slice(1);
  const name = `taskmesh_test_${randomBytes(6).toString('hex')}`;
  const adminUrl = new URL(template);
  adminUrl.pathname = 'postgres';
  await admin(adminUrl.href, `create database ${name} template ${templateName}`);
  const url = new URL(template);
  url.pathname = name;
  return {
    databaseUrl: url.href,
    dataDir,
    drop: async () => {
      remove();
      await admin(adminUrl.href, `drop database if exists ${name} with (force)`);
    },
  };
}

async function admin(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}
