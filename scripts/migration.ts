import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrations } from '../migrations/index.ts';
import { migrate, openDatabase } from '../src/platform/database.ts';
import { entities } from '../src/server/entities.ts';
import { contractionsOf } from './expanding.ts';

/**
 * Compares the migrations with the entities, on an embedded database made by the migrations. With `--check` it fails
 * when they differ; with a slug it writes the difference as the next migration, to be read before it is committed.
 */
const [argument] = process.argv.slice(2);
const dataDir = mkdtempSync(join(tmpdir(), 'taskmesh-migration-'));
try {
  const db = await openDatabase({ databaseUrl: null, dataDir }, { entities, migrations });
  await migrate(db, null);
  const { up, down } = await db.orm.schema.getUpdateSchemaMigrationSQL({ wrap: false });
  await db.close();
  if (argument === '--check') {
    if (up.trim() !== '') {
      console.error(
        `The migrations are not what the entities say. \`npm run migrate:new -- SLUG\` would write:\n${up}`,
      );
      process.exitCode = 1;
    }
  } else if (!argument || !/^[a-z][a-z0-9-]*$/.test(argument)) {
    console.error('usage: npm run migrate:new -- SLUG');
    process.exitCode = 2;
  } else if (up.trim() === '') {
    console.log('Nothing to migrate.');
  } else {
    writeMigration(argument, up, down);
  }
} finally {
  rmSync(dataDir, { recursive: true, force: true });
}

function writeMigration(slug: string, up: string, down: string): void {
  const stamp = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
  const name = `${stamp}-${slug}`;
  const statements = (sql: string) =>
    sql
      .split(/;\s*\n/)
      .map((statement) => statement.trim().replace(/;$/, ''))
      .filter(Boolean)
      .map(
        (statement) => `    this.addSql(\`${statement.replaceAll('`', '\\`').replaceAll('${', '\\${')}\`);`,
      )
      .join('\n');
  const className = `Migration${stamp}`;
  const text = `import { Migration } from '@mikro-orm/migrations';

export class ${className} extends Migration {
  override up(): void {
${statements(up)}
  }

  override down(): void {
${statements(down)}
  }
}
`;
  writeFileSync(new URL(`../migrations/${name}.ts`, import.meta.url), text);
  console.log(`migrations/${name}.ts is written. Read it, then add it to migrations/index.ts.`);
  for (const statement of contractionsOf(up.split(/;\s*\n/).filter((each) => each.trim() !== '')))
    console.warn(`The version before would not survive this (ADR 16): ${statement}`);
}
