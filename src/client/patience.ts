import { setTimeout as delay } from 'node:timers/promises';
import type { TaskmeshClient } from './client.ts';
import { UnreachableError } from './errors.ts';
import type { TypedDocumentString } from './generated/graphql.ts';

/** The operations that wait for a daemon answer within 60 s; a little more, so that the answer is not missed. */
export const DAEMON_CALL_MS = 75_000;

export interface CallOptions {
  /** How long one attempt may take. Milliseconds, default 60,000. */
  readonly timeoutMs?: number;
  /** How long to go on when there is no answer. Milliseconds, default 30,000. */
  readonly patienceMs?: number;
  /** For what must not be sent twice: only an attempt that certainly did not arrive is repeated. */
  readonly once?: boolean;
}

export interface Patience extends CallOptions {
  readonly signal?: AbortSignal;
  /** Told once, when there is no answer for the first time. */
  readonly onNoAnswer?: () => void;
  /** Whether to go on at all; by default always. */
  readonly isWorthwhile?: (error: UnreachableError) => boolean;
}

/**
 * Runs a query, or a mutation that may be repeated (by its `requestId`), going on while there is no answer.
 * @param variables a function gives them anew for each attempt, where they say how long to wait
 * @throws ApiError when the API refused it, UnreachableError when there was no answer for as long as the options say
 */
export async function callPatiently<TResult, TVariables>(
  client: TaskmeshClient,
  document: TypedDocumentString<TResult, TVariables>,
  variables: NoInfer<TVariables> | (() => NoInfer<TVariables>),
  options: Patience = {},
): Promise<TResult> {
  const { signal, timeoutMs = 60_000 } = options;
  let giveUpAt: number | undefined;
  for (let pause = 100; ; pause = Math.min(pause * 2, 5_000)) {
    try {
      const given = typeof variables === 'function' ? (variables as () => TVariables)() : variables;
      return await client.request(document, given as TVariables, {
        timeoutMs,
        ...(signal ? { signal } : {}),
      });
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      if (options.once && !UNSENT.has(systemCode(error))) throw error;
      if (options.isWorthwhile?.(error) === false) throw error;
      if (giveUpAt === undefined) {
        giveUpAt = Date.now() + (options.patienceMs ?? 30_000);
        options.onNoAnswer?.();
      }
      if (Date.now() + pause > giveUpAt) throw error;
      await delay(pause, undefined, signal ? { signal } : {});
    }
  }
}

/** There was no connection: the request cannot have had an effect. */
const UNSENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/** There was one, and it ended before the answer. */
const CUT = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** Whether there was a connection, which ended before the answer. */
export function wasCut(error: UnreachableError): boolean {
  return CUT.has(systemCode(error));
}

/** `fetch` fails with a TypeError whose cause is the error of the system or of the HTTP client. */
function systemCode(error: UnreachableError): string {
  const cause = error.cause instanceof Error ? error.cause.cause : undefined;
  return String((cause as { code?: unknown } | undefined)?.code ?? '');
}
