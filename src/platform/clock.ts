/** The time, injected so that tests move it instead of waiting for it. */
export interface Clock {
  /** Now. */
  now(): Date;
  /** Milliseconds that only ever grow, for measuring the server's own uptime: no step of the wall clock counts. */
  uptimeMs(): number;
}

const startedAt = performance.now();

export const systemClock: Clock = {
  now: () => new Date(),
  uptimeMs: () => performance.now() - startedAt,
};
