import type { MigrationEntry } from '../src/platform/database.ts';

/** What a migration did before there was a rule, when no version had been released that could have run beside it. */
const BEFORE_THE_RULE = new Set(['20261123023949-initial', '20261124203052-conversations-and-budgets']);

interface Queries {
  up(): void;
  getQueries(): unknown[];
}

/** The statements of a migration. */
export function statementsOf(migration: MigrationEntry): string[] {
  const instance = new (migration.class as unknown as new () => Queries)();
  instance.up();
  return instance.getQueries().map(String);
}

/**
 * What of a migration the previous version of the server would not survive (ADR 16), in words: whatever takes away,
 * renames or changes what is there, or demands of existing tables what that version does not know of.
 */
export function contractions(migration: MigrationEntry): string[] {
  return BEFORE_THE_RULE.has(migration.name) ? [] : contractionsOf(statementsOf(migration));
}

/** The same of statements. They are those that MikroORM writes, and what is not known to be harmless counts as harm. */
export function contractionsOf(statements: readonly string[]): string[] {
  const made = new Set<string>();
  const added = new Set<string>();
  const harm: string[] = [];
  for (const statement of statements) {
    const text = statement.trim().replace(/\s+/g, ' ').replace(/;$/, '');
    const table = /^create table (?:if not exists )?"(\w+)"/i.exec(text)?.[1];
    if (table) made.add(table);
    else if (!isHarmless(text, made, added)) harm.push(text);
  }
  return harm;
}

function isHarmless(text: string, made: ReadonlySet<string>, added: Set<string>): boolean {
  const index = /^create (unique )?index (?:concurrently )?"\w+" on "(\w+)" (?:using \w+ )?\((.*?)\)/i.exec(
    text,
  );
  if (index) return !index[1] || made.has(index[2] ?? '') || areNew(index[2], index[3], added);
  // A new column is filled from what is known.
  const filled = /^update "(\w+)" set (.*?)(?: (?:from|where) .*)?$/i.exec(text);
  if (filled) {
    const columns = [...(filled[2] ?? '').matchAll(/(?:^|, )(\S+) = /g)].map((match) => match[1]).join();
    return made.has(filled[1] ?? '') || areNew(filled[1], columns, added);
  }
  const change = /^alter table (?:if exists )?"(\w+)" (.*)$/i.exec(text);
  if (!change) return false;
  const [, table = '', what = ''] = change;
  if (made.has(table)) return true;
  // Allowing more than before hurts nobody who writes less.
  if (/^drop constraint (?:if exists )?"\w+"$/i.test(what)) return true;
  const constraint = /^add constraint "\w+" (?:foreign key|unique|check) ?\((.*)\)/i.exec(what);
  if (constraint) return areNew(table, constraint[1], added);
  const columns = what.split(/, (?=(?:add|drop|alter|rename) )/i);
  return columns.every((column) => {
    const name = /^add (?:column )?"(\w+)" /i.exec(column)?.[1];
    if (!name) return false;
    added.add(`${table}.${name}`);
    return !/ not null/i.test(column) || / default /i.test(column);
  });
}

/** Whether all columns that are named were added just now: whoever does not know them leaves them null, or as they are by default. */
function areNew(table: string | undefined, text: string | undefined, added: ReadonlySet<string>): boolean {
  const names = [...(text ?? '').matchAll(/"(\w+)"/g)].map((match) => match[1]);
  return names.length > 0 && names.every((name) => added.has(`${table}.${name}`));
}
