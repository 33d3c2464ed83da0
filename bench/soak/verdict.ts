import { median } from '../harness/statistics.ts';
import type { Census } from './census.ts';
import type { Done } from './load.ts';

const MIB = 1_048_576;
const HOUR = 3_600_000;
const COUNTS = ['listeners', 'tails', 'waiting', 'connections', 'warnings'] as const;

/** Judges what a server held at rest, the first time after its warm-up. */
export function verdict(
  rests: readonly { readonly at: number; readonly census: Census }[],
  mibPerHour: number,
  { failures, ...done }: Done,
): { faults: string[]; summary: string } {
  const first = rests[0];
  const last = rests.at(-1);
  if (!first || !last || first === last) throw new Error('it was not measured twice');
  const faults = failures.map((failure) => `a call: ${failure}`);
  const grown = slope(rests.map(({ at, census }) => [(at - first.at) / HOUR, census.heap / MIB]));
  if (grown > mibPerHour) faults.push(`the heap grew by ${grown.toFixed(1)} MiB an hour`);
  for (const name of COUNTS) {
    const [before, after] = [first.census[name], last.census[name]];
    if (after > before) faults.push(`${name}: ${before} at the start, ${after} at the end`);
  }
  const minutes = ((last.at - first.at) / 60_000).toFixed(1);
  const work = Object.entries(done).map(([name, count]) => `${count} ${name}`);
  const summary = `${minutes} minutes after the warm-up: heap ${grown.toFixed(2)} MiB an hour; in all ${work.join(', ')}`;
  return { faults, summary };
}

/** The middle one of the slopes between any two: a single moment that is out of line decides nothing. */
function slope(points: readonly (readonly [number, number])[]): number {
  const slopes = points.flatMap(([x, y], index) =>
    points.slice(index + 1).map((other) => (other[1] - y) / (other[0] - x)),
  );
  return median(slopes);
}
