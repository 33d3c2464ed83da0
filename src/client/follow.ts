import { setTimeout as delay } from 'node:timers/promises';
import type { TaskmeshClient } from './client.ts';
import { UnreachableError } from './errors.ts';
import type { TypedDocumentString } from './generated/graphql.ts';

export interface FollowOptions<TResult> {
  /** The sequence of an event: the cursor to resume from. */
  readonly sequenceOf: (result: TResult) => number;
  readonly signal?: AbortSignal;
  /** Told each time the connection was lost and is tried again. */
  readonly onRetry?: (error: UnreachableError) => void;
}

const MIN_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5_000;
const HEALTHY_MS = 2_000;

/**
 * Runs a subscription over the contract's log and, when the connection is cut, resumes it after the last event
 * seen, for as long as the signal lets it: no gap and no duplicate. Without `afterSequence` it starts at the
 * present, and a cut before the first event starts there again; pass a cursor to be exact.
 * @throws ApiError when the API refuses it (CURSOR_INVALID, NOT_FOUND …).
 */
export async function* follow<TResult, TVariables extends { afterSequence?: number | null | undefined }>(
  client: TaskmeshClient,
  document: TypedDocumentString<TResult, TVariables>,
  variables: TVariables,
  options: FollowOptions<TResult>,
): AsyncGenerator<TResult, void, undefined> {
  let cursor = variables.afterSequence;
  let pause = MIN_PAUSE_MS;
  for (;;) {
    const startedAt = performance.now();
    try {
      for await (const result of client.subscribe(
        document,
        { ...variables, afterSequence: cursor },
        options.signal,
      )) {
        cursor = options.sequenceOf(result);
        pause = MIN_PAUSE_MS;
        yield result;
      }
      return;
    } catch (error) {
      if (options.signal?.aborted) return;
      if (!(error instanceof UnreachableError)) throw error;
      options.onRetry?.(error);
      // One that held, although nothing happened, says that the server is well.
      if (performance.now() - startedAt > HEALTHY_MS) pause = MIN_PAUSE_MS;
      // Not all at the same moment when a server comes back.
      const wait = pause * (0.5 + Math.random() / 2);
      await delay(wait, undefined, options.signal ? { signal: options.signal } : {}).catch(() => undefined);
      if (options.signal?.aborted) return;
      pause = Math.min(pause * 2, MAX_PAUSE_MS);
    }
  }
}
