import { setTimeout as delay } from 'node:timers/promises';
import type { Answer, Api } from '../../test/support/api.ts';

/** Refusals that say nothing about the call: the same one is repeated, as our own clients do. */
const PASSING = new Set(['UNAVAILABLE', 'SHUTTING_DOWN', 'INTERNAL_SERVER_ERROR', 'RATE_LIMITED']);

let over = new AbortController();

/** The scenario is over. Whoever of it still insists waits for ever: nobody wants to know what it has to tell. */
export function stopInsisting(): void {
  over.abort();
  over = new AbortController();
}

export interface Insisting {
  readonly withinMs?: number;
  /** How long one try may take before its answer is given up. */
  readonly timeoutMs?: number;
  /** Told of each try that had no answer, or one that says nothing. */
  readonly onRetry?: (why: string) => void;
}

/**
 * Sends a mutation again and again, as it is, until there is an answer. It must be one that may be repeated.
 * @returns its payload
 */
export async function insist(
  api: Api,
  name: string,
  input: object,
  selection: string,
  options: Insisting = {},
): Promise<Answer> {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
  const query = `mutation($input: ${type}!) { ${name}(input: $input) { ${selection} } }`;
  return (await insistOn(api, query, { input }, options))[name];
}

/** @returns the data of the answer */
export async function insistOn(
  api: Api,
  query: string,
  variables: object = {},
  { withinMs = 60_000, timeoutMs = 10_000, onRetry = () => undefined }: Insisting = {},
): Promise<Answer> {
  const giveUpAt = Date.now() + withinMs;
  const { signal } = over;
  for (let pause = 20; ; pause = Math.min(pause * 2, 500)) {
    const answer = await api.post(query, variables, AbortSignal.timeout(timeoutMs)).catch((error: Error) => {
      return { failed: `${error.message} ${String((error.cause as Error | undefined)?.message ?? '')}` };
    });
    if (signal.aborted) return new Promise(() => undefined);
    if ('failed' in answer) onRetry(answer.failed);
    else if (!answer.errors) return answer.data;
    else if (!PASSING.has(answer.errors[0]?.extensions?.code))
      throw new Error(`refused: ${query}\n${JSON.stringify(variables)}\n${JSON.stringify(answer.errors)}`);
    else onRetry(answer.errors[0].extensions.code);
    if (Date.now() > giveUpAt) throw new Error(`no answer within ${withinMs} ms: ${query}`);
    await delay(pause);
  }
}
