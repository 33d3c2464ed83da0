import { randomUUID } from 'node:crypto';

/** How long a call that came to no result is remembered. Milliseconds. */
const REMEMBERED_MS = 15 * 60_000;

interface Entry {
  readonly requestId: string;
  readonly at: number;
}

/**
 * The request ids of calls whose result never arrived: cut off, timed out at the client, or still under way at a daemon.
 * The same call made again has the same id, so that it takes the first one up and nothing is done twice. A call that
 * was answered is forgotten: the same one after it is meant.
 */
export class Repeats {
  readonly #open = new Map<string, Entry>();

  /** The request id for a call with these arguments. */
  idFor(key: string): string {
    const known = this.#open.get(key);
    const now = Date.now();
    const requestId = known && now - known.at < REMEMBERED_MS ? known.requestId : randomUUID();
    this.#open.set(key, { requestId, at: now });
    return requestId;
  }

  /** The call was answered. */
  settle(key: string, requestId: string): void {
    if (this.#open.get(key)?.requestId === requestId) this.#open.delete(key);
  }
}

/** Names a call by its tool and its arguments, whatever their order. */
export function callKey(name: string, input: Readonly<Record<string, unknown>>): string {
  const sorted = Object.entries(input).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([name, sorted]);
}
