export type CheckStatus = 'ok' | 'warn' | 'fail';

/** What was found out about one thing of this machine. */
export interface Check {
  readonly name: string;
  readonly status: CheckStatus;
  /** What was found. */
  readonly found: string;
  /** What to do about it; null when it is well. */
  readonly next: string | null;
}

export function ok(name: string, found: string): Check {
  return { name, status: 'ok', found, next: null };
}

/** Something will not work, or not for long, and the rest does. */
export function warn(name: string, found: string, next: string): Check {
  return { name, status: 'warn', found, next };
}

/** Nothing works without it. */
export function fail(name: string, found: string, next: string): Check {
  return { name, status: 'fail', found, next };
}

/** `2.39.5` is at least `2.39`. Whatever follows the numbers does not count. */
export function isAtLeast(version: string, least: string): boolean {
  const [have, need] = [numbersOf(version), numbersOf(least)];
  for (const [index, needed] of need.entries()) {
    const had = have[index] ?? 0;
    if (had !== needed) return had > needed;
  }
  return true;
}

function numbersOf(version: string): number[] {
  return (/\d+(\.\d+)*/.exec(version)?.[0] ?? '0').split('.').map(Number);
}
