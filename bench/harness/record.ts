import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { findPostgres } from '../../test/support/postgres-binaries.ts';
import { type Result, table } from './results.ts';

const REPORT = new URL('../RESULTS.md', import.meta.url);
const BEGIN = '<!-- measured: written by npm run bench -->';
const END = '<!-- end of what was measured -->';
const PACKAGES = [
  'ws',
  'graphql',
  'graphql-ws',
  'graphql-yoga',
  'graphile-worker',
  'pg',
  '@electric-sql/pglite',
];

/** `bench/results.json`, for programs; of a run of all rows also the table in `bench/RESULTS.md`, for people. */
export function record(results: readonly Result[], complete: boolean): void {
  writeFileSync(new URL('../results.json', import.meta.url), `${JSON.stringify(results, null, 2)}\n`);
  if (!complete) return;
  const text = readFileSync(REPORT, 'utf8');
  const before = text.slice(0, text.indexOf(BEGIN));
  const after = text.slice(text.indexOf(END));
  writeFileSync(REPORT, `${before}${BEGIN}\n\n${circumstances()}\n\n${table(results)}\n\n${after}`);
}

function circumstances(): string {
  const { resolve } = createRequire(import.meta.url);
  const versionOf = (name: string) => {
    // Some packages do not let their package.json be imported: it is looked for where they lie.
    const path = resolve(name);
    const root = path.slice(
      0,
      path.lastIndexOf(join('node_modules', name)) + join('node_modules', name).length,
    );
    return `${name} ${JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version}`;
  };
  const postgres = execFileSync(join(findPostgres() ?? '', 'postgres'), ['--version'], {
    encoding: 'utf8',
  }).trim();
  const memory = Math.round(totalmem() / 2 ** 30);
  return [
    `Measured on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} cores (${cpus()[0]?.model.trim()}), ${memory} GiB,`,
    `Node.js ${process.versions.node}, ${postgres}, ${PACKAGES.map(versionOf).join(', ')}.`,
  ].join('\n');
}
