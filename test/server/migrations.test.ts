import { Migration, type Migrator } from '@mikro-orm/migrations';
import { expect, test } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { contractions, contractionsOf, statementsOf } from '../../scripts/expanding.ts';
import { accessOf, serverConfig } from '../../src/platform/config.ts';
import {
  type Database,
  type DatabaseDefinition,
  migrate,
  openDatabase,
} from '../../src/platform/database.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { entities } from '../../src/server/entities.ts';
import { openInstance } from '../../src/server/instance.ts';
import { pruneDatabase } from '../../src/server/prune.ts';
import { startServer } from '../../src/server/server.ts';
import { Api } from '../support/api.ts';
import { onEnd } from '../support/cleanup.ts';
import { HandDaemon } from '../support/daemon.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { runningTask } from '../support/running-task.ts';

test.each(migrations.map((migration) => [migration.name, migration] as const))(
  'the version before %s survives it',
  (_, migration) => {
    expect(contractions(migration)).toEqual([]);
  },
);

test.each(
  migrations
    .filter(({ name }) => name >= '20261128')
    .map((migration) => [migration.name, migration] as const),
)('%s changes one table: it holds none while it waits for another', (_, migration) => {
  const tables = statementsOf(migration).map(
    (statement) =>
      /^(?:create (?:unique )?index "\w+" on|create table|alter table|update) "(\w+)"/.exec(statement)?.[1],
  );
  expect(new Set(tables).size).toBe(1);
  expect(tables).not.toContain(undefined);
});

const EXPANDING = [
  'create table "note" ("id" uuid not null, "text" text not null, primary key ("id"))',
  'create unique index "note_text" on "note" ("text")',
  'alter table "note" add constraint "note_task" foreign key ("id") references "task" ("id")',
  'alter table "task" add "color" text null, add "size" int not null default 0',
  'alter table "task" add constraint "task_color_check" check ("color" in (\'red\', \'blue\'))',
  'create unique index "task_color" on "task" ("color") where "size" = 1',
  'create index "task_name" on "task" ("name")',
  'alter table "task" drop constraint "task_name_check"',
  `update "task" set "color" = 'red', "size" = 2 from "contract" where "contract"."id" = "task"."contract_id"`,
];
const CONTRACTING = [
  'drop table "task"',
  'drop table if exists "task" cascade',
  'drop index "task_candidates"',
  'alter table "task" drop column "plan"',
  'alter table "task" add "color" text null, drop column "plan"',
  'alter table "task" rename column "plan" to "intent"',
  'alter table "task" rename to "job"',
  'alter table "task" add "owner_name" text not null',
  'alter table "task" alter column "tokens" type bigint using ("tokens"::bigint)',
  'alter table "task" alter column "description" set not null',
  'alter table "task" add constraint "task_plan_unique" unique ("plan")',
  'alter table "task" add constraint "task_plan_check" check ("plan" <> \'\')',
  'alter table "task" add constraint "task_x" foreign key ("plan") references "owner" ("id")',
  'create unique index "task_plan" on "task" ("plan")',
  "update task set plan = 'x'",
  `update "task" set "plan" = 'x' where "color" = 'red'`,
  `update "task" set "color" = 'red', "plan" = 'x' where "size" = 0`,
  'truncate task',
];

test('additions are let through', () => {
  expect(contractionsOf(EXPANDING)).toEqual([]);
});

test.each(CONTRACTING)('%s is found', (statement) => {
  expect(contractionsOf([statement])).toEqual([statement]);
  expect(contractionsOf([...EXPANDING, `${statement};`])).toEqual([statement]);
});

const logger = createLogger('silent');
const configOf = ({ databaseUrl, dataDir }: TestDatabase) => ({
  ...serverConfig({ port: 0, dataDir, logLevel: 'silent' }, {}),
  databaseUrl,
});

async function withDatabase<T>(
  database: TestDatabase,
  list: DatabaseDefinition['migrations'],
  use: (db: Database) => Promise<T>,
): Promise<T> {
  const db = await openDatabase(configOf(database), { entities, migrations: list });
  return use(db).finally(() => db.close());
}

/** A database as the version before this one left it: without the last migration. */
async function previous(): Promise<TestDatabase> {
  const database = await createTestDatabase();
  onEnd(() => database.drop());
  await withDatabase(database, migrations, async ({ orm }) => {
    await (orm as unknown as { migrator: Migrator }).migrator.down();
  });
  return database;
}

const prune = (database: TestDatabase) =>
  pruneDatabase(configOf(database), {
    before: new Date(),
    checkpoints: false,
    dryRun: false,
    signal: new AbortController().signal,
  });

test('a server brings an older database up to date; pruning, which may come from a newer version than the servers, does not', async () => {
  const database = await previous();
  await expect(prune(database)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  const instance = await openInstance(configOf(database), { logger });
  expect(instance.migrated).toEqual([migrations.at(-1)?.name]);
  await instance.close();
  expect(await prune(database)).toEqual([]);
});

test('a migration that fails undoes itself and none before it, and those are not carried out again', async () => {
  const database = await createTestDatabase();
  onEnd(() => database.drop());
  const made = (name: string, ...statements: string[]) => ({
    name,
    class: class extends Migration {
      override up(): void {
        for (const statement of statements) this.addSql(statement);
      }
    },
  });
  const first = made('29990101000000-first', 'create table "one" ("id" int)');
  const broken = made('29990101000001-second', 'create table "two" ("id" int)', 'select 1 / 0');
  const whole = made('29990101000001-second', 'create table "two" ("id" int)');
  const { databaseUrl } = database;
  const failing = withDatabase(database, [...migrations, first, broken], (db) => migrate(db, databaseUrl));
  await expect(failing).rejects.toThrow(/division by zero/);
  const applied = await withDatabase(database, [...migrations, first, whole], (db) =>
    migrate(db, databaseUrl),
  );
  expect(applied).toEqual([whole.name]);
});

test('a server works on a newer database, whose additions it does not know, and leaves them alone', async () => {
  const database = await createTestDatabase();
  onEnd(() => database.drop());
  await withDatabase(database, migrations, async (db) => {
    const em = db.fork();
    for (const { table } of await em.execute<{ table: string }[]>(
      `select tablename as table from pg_tables where schemaname = 'public' and tablename not like 'mikro_orm%'`,
    )) {
      await em.execute(
        `alter table "${table}" add "next_text" text null, add "next_number" int not null default 7`,
      );
    }
    await em.execute('create table next_table (id uuid primary key)');
    await em.execute(
      `insert into mikro_orm_migrations (name, executed_at) values ('29990101000000-next', now())`,
    );
  });
  const config = configOf(database);
  const server = await startServer({ ...config, access: accessOf(config) }, { logger });
  onEnd(() => server.close());
  const api = new Api(server.url, server.firstKey);
  const daemon = await HandDaemon.connect(api);
  const { contractId, taskId, supervisorId, supervisor } = await runningTask(api, daemon);
  await daemon.append(taskId, 1, 0, ['line']);
  await supervisor.mutate('askQuestion', { question: 'Which way?', nonBlocking: true }, 'outcome');
  await daemon.finish(taskId, 1, 'DONE', 1);
  await api.mutate('completeContract', { contractId }, 'contract { id }');
  await daemon.finish(supervisorId, 1, 'CANCELLED');
  const { taskOutput } = await api.ask('query($id: ID!) { taskOutput(taskId: $id) { nodes { content } } }', {
    id: taskId,
  });
  expect(taskOutput.nodes).toEqual([{ content: 'line' }]);
  const rows = await server.runtime.db
    .fork()
    .execute(
      'select distinct next_number, next_text from contract_event union select next_number, next_text from task',
    );
  expect(rows).toEqual([{ next_number: 7, next_text: null }]);
  expect(
    await server.runtime.db.fork().execute('select name from mikro_orm_migrations order by id desc limit 1'),
  ).toEqual([{ name: '29990101000000-next' }]);
});
