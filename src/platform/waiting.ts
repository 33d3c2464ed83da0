import { DomainError } from './errors.ts';
import type { Runtime } from './runtime.ts';

/** A lost ring delays a waiting request by at most this much. */
const RECHECK_MS = 3_000;

/**
 * Waits until `check` gives something, asking again at each ring of the topics. Holds no transaction and no listener
 * once it is over.
 * @returns null at the timeout, or when the signal aborts: the client is gone
 * @throws DomainError SHUTTING_DOWN when the instance stops
 */
export async function waitUntil<T>(
  runtime: Runtime,
  topicNames: readonly string[],
  timeoutMs: number,
  signal: AbortSignal,
  check: () => Promise<T | null>,
): Promise<T | null> {
  let rung = false;
  let wake: () => void = () => undefined;
  const ring = () => {
    rung = true;
    wake();
  };
  // Listening before the first check: what happens between the two is heard.
  const stops = topicNames.map((topic) => runtime.doorbell.onRing(topic, ring));
  const { closing } = runtime;
  for (const end of [signal, closing]) end.addEventListener('abort', ring, { once: true });
  const deadline = performance.now() + timeoutMs;
  try {
    for (;;) {
      rung = false;
      if (closing.aborted) {
        throw new DomainError(
          'SHUTTING_DOWN',
          'The server is stopping. Call again: another one answers, or this one when it is back.',
        );
      }
      const found = await check();
      if (found !== null) return found;
      const left = deadline - performance.now();
      if (left <= 0 || signal.aborted) return null;
      if (rung) continue;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, RECHECK_MS));
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  } finally {
    for (const stop of stops) stop();
    for (const end of [signal, closing]) end.removeEventListener('abort', ring);
  }
}
