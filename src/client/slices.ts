/** One request waits no longer than this, so that no proxy or HTTP client cuts it. */
export const SLICE_SECONDS = 50;

/** Who waits outlives an outage of the server. */
export const WAITING_PATIENCE_MS = 3_600_000;

/** When to stop, on the clock that only grows; never without a limit. */
export function deadlineIn(seconds: number | undefined): number {
  return seconds === undefined ? Number.POSITIVE_INFINITY : performance.now() + seconds * 1_000;
}

/** The seconds of the next slice; 0 when the time is up. */
export function sliceUntil(deadline: number): number {
  return Math.max(0, Math.min(SLICE_SECONDS, Math.ceil((deadline - performance.now()) / 1_000)));
}
