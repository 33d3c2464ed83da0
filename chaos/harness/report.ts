import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Play } from './play.ts';
import type { DatabaseKind } from './scenario.ts';
import type { Verdict } from './verdict.ts';

export interface Result {
  readonly scenario: string;
  readonly number: string;
  readonly promise: string;
  readonly database: DatabaseKind;
  readonly seed: number;
  readonly form: 'long' | 'quick';
  readonly runs: number;
  readonly lost: number;
  readonly doubled: number;
  readonly reordered: number;
  /** null: nothing had to recover. Milliseconds. */
  readonly worstRecoveryMs: number | null;
  readonly held: boolean;
  readonly broken: readonly string[];
  readonly notes: readonly string[];
  readonly tookSeconds: number;
}

export function resultOf(
  { scenario: { name, number, promise }, kind, seed, isQuick }: Play,
  verdict: Verdict,
  tookSeconds: number,
): Result {
  const { runs, lost, doubled, reordered, worstRecoveryMs, held, broken, notes } = verdict;
  return {
    scenario: name,
    number,
    promise,
    database: kind,
    seed,
    form: isQuick ? 'quick' : 'long',
    runs,
    lost,
    doubled,
    reordered,
    worstRecoveryMs: worstRecoveryMs === null ? null : Math.round(worstRecoveryMs),
    held,
    broken,
    notes,
    tookSeconds: Math.round(tookSeconds),
  };
}

/** One line a result, in Markdown. */
export function table(results: readonly Result[]): string {
  const head = ['', 'scenario', 'database', 'runs', 'lost', 'doubled', 'reordered', 'worst recovery', 'held'];
  const rows = results.map((result) => [
    result.number,
    result.scenario,
    result.database,
    String(result.runs),
    String(result.lost),
    String(result.doubled),
    String(result.reordered),
    result.worstRecoveryMs === null ? '' : `${(result.worstRecoveryMs / 1_000).toFixed(1)} s`,
    result.held ? 'yes' : 'NO',
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** Writes results to a file, which keeps the last one of each scenario, database and form. */
export function keep(file: string, results: readonly Result[]): void {
  const known: Result[] = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
  const all = new Map(
    [...known, ...results].map((result) => [`${result.scenario} ${result.database} ${result.form}`, result]),
  );
  const ordered = [...all.values()].sort((a, b) => Number(a.number) - Number(b.number));
  writeFileSync(file, `${JSON.stringify(ordered, null, 1)}\n`);
}
