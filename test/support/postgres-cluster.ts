import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { migrateDatabase } from '../../src/server/migrate.ts';
import { startCluster } from './start-cluster.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A database with the schema, to be cloned: `createdb -T`. */
    templateUrl: string;
  }
}

const TEMPLATE = `taskmesh_template_${process.pid}`;

/** A cluster of its own in a temporary folder, or the one of TEST_DATABASE_URL, with a template database in it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cluster = process.env.TEST_DATABASE_URL
    ? null
    : await startCluster(['fsync=off', 'synchronous_commit=off']);
  const adminUrl = process.env.TEST_DATABASE_URL ?? cluster?.url ?? '';
  await admin(adminUrl, `create database ${TEMPLATE}`);
  const template = new URL(adminUrl);
  template.pathname = TEMPLATE;
  const dataDir = mkdtempSync(join(tmpdir(), 'taskmesh-template-'));
  await migrateDatabase({
    host: '127.0.0.1',
    port: 0,
    dataDir,
    databaseUrl: template.href,
    logLevel: 'silent',
    production: false,
  });
  rmSync(dataDir, { recursive: true, force: true });
  project.provide('templateUrl', template.href);
  return async () => {
    await admin(adminUrl, `drop database if exists ${TEMPLATE} with (force)`);
    cluster?.stop();
  };
}

async function admin(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}
