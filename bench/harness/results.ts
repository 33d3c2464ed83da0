import type { Measure, Row, Sample } from './row.ts';
import { median } from './statistics.ts';

/** One line of `bench/results.json`. */
export interface Result {
  readonly name: string;
  readonly ours: number;
  readonly peer: number | null;
  /** Ours to the peer's; null where there is none. */
  readonly ratio: number | null;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** The lowest and the highest of the rounds. */
  readonly spread: readonly [number, number];
  readonly title: string;
  readonly beside: string;
  readonly target: string | null;
  /** null where there is no target. */
  readonly reached: boolean | null;
}

/** The medians of all rounds of a row. */
export function summarize(row: Row, rounds: readonly (readonly Sample[])[], suffix: string): Result[] {
  return Object.entries(row.measures).map(([name, measure]) => {
    const samples = rounds.flatMap((round) => round.filter((sample) => (sample.name ?? row.name) === name));
    const ours = samples.map((sample) => sample.ours);
    const peers = samples.map((sample) => sample.peer).filter((peer) => peer !== null);
    const mine = median(ours);
    const peer = peers.length > 0 ? median(peers) : null;
    const ratio = peer === null ? null : mine / peer;
    const barred = suffix === '' ? measure.target : null;
    return {
      name: `${name}${suffix}`,
      ours: round(mine),
      peer: peer === null ? null : round(peer),
      ratio: ratio === null ? null : round(ratio),
      unit: measure.unit,
      better: measure.better,
      spread: [round(Math.min(...ours)), round(Math.max(...ours))],
      title: row.title,
      beside: measure.beside,
      target: barred && targetText(measure),
      reached: barred && reached(measure, mine, ratio),
    };
  });
}

function targetText({ target, better }: Measure): string {
  const sign = better === 'higher' ? '≥' : '≤';
  const parts = [
    ...(target?.ratio === undefined ? [] : [`${sign} ${target.ratio} of it`]),
    ...(target?.ours === undefined ? [] : [`${sign} ${target.ours}`]),
  ];
  return parts.join(', ');
}

function reached({ target, better }: Measure, ours: number, ratio: number | null): boolean {
  const holds = (value: number, bar: number | undefined) =>
    bar === undefined || (better === 'higher' ? value >= bar : value <= bar);
  return holds(ours, target?.ours) && (ratio === null || holds(ratio, target?.ratio));
}

/** Three digits are more than a shared machine can repeat. */
function round(value: number): number {
  return Number(value.toPrecision(3));
}

/** The table, in Markdown. */
export function table(results: readonly Result[]): string {
  const head = ['', 'ours', 'spread', 'beside', 'theirs', 'ratio', 'to reach', ''];
  const rows = results.map((result) => [
    `\`${result.name}\``,
    `${figure(result.ours)} ${result.unit}`,
    result.spread.map(figure).join(' to '),
    result.beside,
    result.peer === null ? '' : figure(result.peer),
    result.ratio === null ? '' : String(result.ratio),
    result.target ?? '',
    result.reached === null ? '' : result.reached ? 'yes' : 'no',
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join(
    '\n',
  );
}

function figure(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
}
