import { setTimeout as delay } from 'node:timers/promises';
import { ApiError, UnreachableError } from '../client/errors.ts';
import type { Logger } from './options.ts';

/** Refusals that say nothing about the call: the same one may be taken later. */
const PASSING = new Set(['INTERNAL_SERVER_ERROR', 'SHUTTING_DOWN', 'RATE_LIMITED']);

/** Whether a call is to be repeated as it is. */
export function isPassing(error: unknown): boolean {
  return error instanceof UnreachableError || (error instanceof ApiError && PASSING.has(error.code));
}

export interface Patience {
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Default `isPassing`. */
  readonly isPassing?: (error: unknown) => boolean;
}

/**
 * Makes a call that may be repeated until the server answers.
 * @throws ApiError when it refuses; the signal's reason when that aborts first
 */
export async function untilAnswered<Result>(
  what: string,
  patience: Patience,
  call: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const { logger, signal } = patience;
  const passes = patience.isPassing ?? isPassing;
  for (let pause = 100; ; pause = Math.min(pause * 2, 5_000)) {
    signal.throwIfAborted();
    try {
      return await call(signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!passes(error)) throw error;
      logger.debug({ err: error, call: what }, 'no answer, trying again');
    }
    // Not all at the same moment when a server comes back.
    await delay(pause * (0.5 + Math.random()), undefined, { signal });
  }
}
