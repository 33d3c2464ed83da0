import { createClient } from 'graphql-sse';
import { type Answer, type Api, eventually } from './api.ts';

/** A subscription over server-sent events: one HTTP request, which `stop` aborts. */
export class SseSubscription {
  readonly received: Answer[] = [];
  /** The errors of the answer, or of the connection, that ended it. */
  ended: unknown;
  done = false;
  readonly #query: string;
  readonly #stop: () => void;

  constructor(api: Api, query: string, variables: object = {}) {
    this.#query = query;
    const client = createClient({
      url: api.url,
      headers: api.key === null ? {} : { authorization: `Bearer ${api.key}` },
      retryAttempts: 0,
    });
    this.#stop = client.subscribe(
      { query, variables: variables as Record<string, unknown> },
      {
        next: (result) => {
          if (result.errors) this.ended = result.errors;
          else if (result.data) this.received.push(Object.values(result.data)[0]);
        },
        error: (error) => {
          this.ended ??= error;
          this.done = true;
        },
        complete: () => {
          this.done = true;
        },
      },
    );
  }

  async count(n: number): Promise<Answer[]> {
    await eventually(() => this.received.length >= n || this.done);
    if (this.received.length >= n) return this.received;
    throw new Error(
      `ended after ${this.received.length} of ${n}:\n${this.#query}\n${JSON.stringify(this.ended)}`,
    );
  }

  /** Waits for its end by a refusal. @returns the code */
  async refusalCode(): Promise<string> {
    await eventually(() => this.done || this.ended !== undefined);
    const [error] = Array.isArray(this.ended) ? this.ended : [];
    if (!error) throw new Error(`not refused:\n${this.#query}\n${String(this.ended)}`);
    return error.extensions?.code;
  }

  stop(): void {
    this.#stop();
  }
}
