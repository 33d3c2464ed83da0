/** What a scenario found out. Everything that is not as promised is counted and said. */
export class Verdict {
  runs = 0;
  lost = 0;
  doubled = 0;
  reordered = 0;
  worstRecoveryMs: number | null = null;
  readonly broken: string[] = [];
  readonly notes: string[] = [];

  get held(): boolean {
    return this.lost + this.doubled + this.reordered + this.broken.length === 0;
  }

  /** One more time the worst was done. */
  ran(times = 1): void {
    this.runs += times;
  }

  /** @param limitMs what was promised */
  recovered(what: string, tookMs: number, limitMs: number): void {
    this.worstRecoveryMs = Math.max(this.worstRecoveryMs ?? 0, tookMs);
    if (tookMs > limitMs) this.broken.push(`${what} took ${Math.round(tookMs)} ms, more than ${limitMs}`);
  }

  check(isAsPromised: boolean, otherwise: string): void {
    if (!isAsPromised) this.broken.push(otherwise);
  }

  note(text: string): void {
    this.notes.push(text);
  }

  /** Compares what happened with what had to: each once, in whatever order. */
  sameSet(what: string, expected: readonly string[], actual: readonly string[]): void {
    this.sameList(what, [...expected].sort(), [...actual].sort());
  }

  /**
   * Compares a list with what it must be: each once, and in this order. Only counts are summed up; the first of each
   * kind is named.
   */
  sameList(what: string, expected: readonly string[], actual: readonly string[]): void {
    const found = differences(expected, actual);
    this.lost += found.lost.length;
    this.doubled += found.doubled.length;
    this.reordered += found.reordered.length;
    for (const kind of ['lost', 'doubled', 'reordered', 'strange'] as const) {
      const [first] = found[kind];
      if (first === undefined) continue;
      this.broken.push(
        `${what}: ${found[kind].length} ${kind}, first ${JSON.stringify(first.slice(0, 100))}`,
      );
    }
  }
}

/** Which of the expected are missing, there twice, or behind a later one; and what nobody expected. */
export function differences(expected: readonly string[], actual: readonly string[]) {
  const places = new Map(expected.map((item, place) => [item, place]));
  const seen = new Set<string>();
  const doubled: string[] = [];
  const reordered: string[] = [];
  const strange: string[] = [];
  let furthest = -1;
  for (const item of actual) {
    const place = places.get(item);
    if (place === undefined) strange.push(item);
    else if (seen.has(item)) doubled.push(item);
    else if (place < furthest) reordered.push(item);
    seen.add(item);
    furthest = Math.max(furthest, place ?? -1);
  }
  return { lost: expected.filter((item) => !seen.has(item)), doubled, reordered, strange };
}
