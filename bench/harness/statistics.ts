/** The middle one. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The value below which so many percent lie (nearest rank). */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1);
  return sorted[rank] ?? Number.NaN;
}
