import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { findPostgres } from './test/support/postgres-binaries.ts';

/**
 * What the database makes no difference to, though a server needs one: it runs once, on PostgreSQL where there is one, which
 * takes half the time. Of programs (daemons with git, the command line, agents that are scripts): what the server has to do
 * with what they call is tested on both, call by call, in the folder of each feature. Of sockets: what stands in the log, and
 * in which order it comes, is tested on both in events/. Of who may do what: that is decided above the database, and that
 * what is refused changes no row is tested on both with each feature. Of many rows at once: PostgreSQL's limits are PGlite's. Of
 * which columns are read: the statement is the same.
 */
const ONCE = [
  'test/mcp/**',
  ...['authorization', 'reach'].map((name) => `test/keys/${name}.test.ts`),
  ...[
    'another-machine',
    'branches',
    'cli',
    'examples',
    'pull-requests',
    'readme',
    'two-machines',
    'whole-contract-moves',
  ].map((name) => `test/e2e/${name}.test.ts`),
  'test/events/sharing.test.ts',
  'test/scheduler/many.test.ts',
  'test/tasks/selected-columns.test.ts',
  'test/daemons/half-open.test.ts',
  ...[
    'audits',
    'close-codes',
    'compiled-selection',
    'cop',
    'documents',
    'door',
    'fuzz',
    'limits',
    'secrets',
    'slow-clients',
  ].map((name) => `test/server/${name}.test.ts`),
];

/**
 * As it is after an installation: a server that is a process of its own, on the embedded database. That a server of its own
 * process works on PostgreSQL is seen in e2e/branches and e2e/pull-requests.
 */
const ONCE_EMBEDDED = ['test/e2e/story.test.ts'];

/**
 * Three projects: what needs a database runs on both, what needs none runs once. Where there is no PostgreSQL that
 * project is left out, and says so: `TEST_DATABASE_URL`, or PostgreSQL's binaries, bring it in.
 */
const onBothDatabases = {
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
      // Loading what is tested takes longer than most files do: they share it. Each has a database or a directory of its own.
      isolate: false,
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
  const exclude = [...onBothDatabases.exclude, ...ONCE_EMBEDDED];
  projects.push(project('postgres', { ...onBothDatabases, ...onPostgres, exclude }));
} else {
  console.warn(
    'No PostgreSQL here: its tests are left out. Install it, or set TEST_DATABASE_URL, to run them.',
  );
}

export default defineConfig({ test: { projects, maxWorkers: 4, reporters: ['default'] } });
