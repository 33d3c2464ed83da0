import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { migrateDatabase } from '../../src/server/migrate.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A data directory whose embedded database has the schema, to be copied. */
    templateDirectory: string;
  }
}

/** Making an embedded database takes two seconds, copying one a tenth of that. */
export default async function setup(project: TestProject): Promise<() => void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'taskmesh-template-'));
  await migrateDatabase({
    host: '127.0.0.1',
    port: 0,
    dataDir,
    databaseUrl: null,
    logLevel: 'silent',
    production: false,
  });
  // What databases are made from, two thirds of the files; no test makes one.
  for (const oid of ['1', '4']) rmSync(join(dataDir, 'database', 'base', oid), { recursive: true });
  project.provide('templateDirectory', dataDir);
  return () => rmSync(dataDir, { recursive: true, force: true });
}
