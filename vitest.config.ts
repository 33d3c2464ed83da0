import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { findPostgres } from './test/support/postgres-binaries.ts';

/**
 * What the database makes no difference to, though a server needs one: it runs once, on PostgreSQL where there is one, which
 * takes half the time. Of daemons with git: what the server has to do with that is tested on both, in worktrees/ and tasks/.
 */
const ONCE = [
  'test/mcp/**',
  'test/keys/reach.test.ts',
  ...['another-machine', 'branches', 'examples', 'pull-requests', 'two-machines'].map(
    (name) => `test/e2e/${name}.test.ts`,
  ),
  ...['audits', 'close-codes', 'cop', 'documents', 'door', 'fuzz', 'limits', 'secrets'].map(
    (name) => `test/server/${name}.test.ts`,
  ),
];

/**
 * Three projects: what needs a database runs on both, what needs none runs once. Where there is no PostgreSQL that
 * project is left out, and says so: `TEST_DATABASE_URL`, or PostgreSQL's binaries, bring it in.
 */
const onBothDatabases = {
  // Loading the server takes longer than most of these files: they share it. Each has a database of its own.
  isolate: false,
  include: ['test/**/*.test.ts'],
  // Those of agents install what they run: `npm run test:agents`.
  exclude: ['test/daemon/**', 'test/cli/**', 'test/platform/**', 'test/agents/**'],
};
// Without them Vitest loads two copies of graphql, one from each module format.
const conditions = ['module-sync', 'node'];
const shared = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
};

function project(name: string, test: TestProjectInlineConfiguration['test']): TestProjectInlineConfiguration {
  return {
    ...shared,
    test: {
      name,
      environment: 'node',
      setupFiles: 'test/support/setup.ts',
      testTimeout: 30_000,
      hookTimeout: 60_000,
      ...test,
    },
  };
}

const onEmbedded = {
  env: { TEST_DATABASE: 'embedded' },
  globalSetup: 'test/support/embedded-template.ts',
};
const onPostgres = {
  env: { TEST_DATABASE: 'postgres' },
  globalSetup: 'test/support/postgres-cluster.ts',
};
const hasPostgres = Boolean(process.env.TEST_DATABASE_URL || findPostgres());

// The programs that tests start load the same code again and again: compiled once, it halves their start.
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'taskmesh-compile-cache');

const projects = [
  project('programs', {
    include: ['test/daemon/**/*.test.ts', 'test/cli/**/*.test.ts', 'test/platform/**/*.test.ts'],
    // What is tested knows no database; the servers that a few of them need are lighter on this one.
    ...(hasPostgres ? onPostgres : onEmbedded),
  }),
  project('embedded', {
    ...onBothDatabases,
    ...onEmbedded,
    exclude: [...onBothDatabases.exclude, ...(hasPostgres ? ONCE : [])],
  }),
];
if (hasPostgres) {
  projects.push(project('postgres', { ...onBothDatabases, ...onPostgres }));
} else {
  console.warn(
    'No PostgreSQL here: its tests are left out. Install it, or set TEST_DATABASE_URL, to run them.',
  );
}

export default defineConfig({ test: { projects, maxWorkers: 4, reporters: ['default'] } });
