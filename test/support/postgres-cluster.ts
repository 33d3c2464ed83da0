import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { migrateDatabase } from '../../src/server/migrate.ts';
import { findPostgres } from './postgres-binaries.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** A database with the schema, to be cloned: `createdb -T`. */
    templateUrl: string;
  }
}

const TEMPLATE = `taskmesh_template_${process.pid}`;

/** A cluster of its own in a temporary folder, or the one of TEST_DATABASE_URL, with a template database in it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cluster = process.env.TEST_DATABASE_URL ? null : await startCluster();
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

/** PostgreSQL refuses to run as root, so there it runs as the user its package made. */
async function startCluster(): Promise<{ url: string; stop: () => void }> {
  const bin = findPostgres();
  if (!bin) throw new Error('no PostgreSQL');
  const directory = mkdtempSync(join(tmpdir(), 'taskmesh-postgres-'));
  const asRoot = process.getuid?.() === 0;
  const user = asRoot ? idsOf('postgres') : undefined;
  if (user) chownSync(directory, user.uid, user.gid);
  const run = (program: string, args: string[]) =>
    execFileSync(join(bin, program), args, { cwd: directory, stdio: 'ignore', ...user });
  const data = join(directory, 'data');
  run('initdb', ['-D', data, '-U', 'taskmesh', '--auth=trust', '-E', 'UTF8', '--locale=C', '--no-sync']);
  const port = await freePort();
  const settings = `-h 127.0.0.1 -p ${port} -k ${directory} -c max_connections=300 -c fsync=off -c synchronous_commit=off`;
  run('pg_ctl', ['-D', data, '-w', '-l', join(directory, 'log'), '-o', settings, 'start']);
  return {
    url: `postgresql://taskmesh@127.0.0.1:${port}/postgres`,
    stop: () => {
      run('pg_ctl', ['-D', data, '-m', 'immediate', 'stop']);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function idsOf(user: string): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
