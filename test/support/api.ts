import { type Client, createClient } from 'graphql-ws';
import WebSocket from 'ws';

// biome-ignore lint/suspicious/noExplicitAny: a test asks for fields by name; a missing one fails its expectation
export type Answer = any;

export interface Refusal {
  readonly code: string;
  readonly field?: string;
  readonly message: string;
  readonly extensions: Readonly<Record<string, unknown>>;
}

/** A GraphQL client for tests, over real HTTP and WebSocket. What fails says what was asked and what came. */
export class Api {
  readonly url: string;
  readonly key: string | null;
  readonly #sockets: Client[] = [];

  constructor(url: string, key: string | null) {
    this.url = url;
    this.key = key;
  }

  /** The same server with another key. */
  as(key: string | null): Api {
    return new Api(this.url, key);
  }

  async post(
    query: string,
    variables: object = {},
    signal?: AbortSignal,
  ): Promise<{ data?: Answer; errors?: Answer[] }> {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(this.key === null ? {} : { authorization: `Bearer ${this.key}` }),
      },
      body: JSON.stringify({ query, variables }),
      ...(signal ? { signal } : {}),
    });
    return (await response.json()) as { data?: Answer; errors?: Answer[] };
  }

  /** Runs an operation that must succeed. @returns its data */
  async ask(query: string, variables: object = {}, signal?: AbortSignal): Promise<Answer> {
    const answer = await this.post(query, variables, signal);
    if (answer.errors) throw new Error(`refused:\n${query}\n${show(variables)}\n${show(answer.errors)}`);
    return answer.data;
  }

  /** Runs a mutation with one input. @returns its payload */
  async mutate(name: string, input: object, selection: string, signal?: AbortSignal): Promise<Answer> {
    const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
    const data = await this.ask(
      `mutation($input: ${type}!) { ${name}(input: $input) { ${selection} } }`,
      { input },
      signal,
    );
    return data[name];
  }

  /** Runs an operation that must be refused. */
  async refused(query: string, variables: object = {}): Promise<Refusal> {
    const answer = await this.post(query, variables);
    if (!answer.errors)
      throw new Error(`should have been refused:\n${query}\n${show(variables)}\n${show(answer.data)}`);
    return refusal(answer.errors[0]);
  }

  async mutationRefused(name: string, input: object, selection = '__typename'): Promise<Refusal> {
    const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
    return this.refused(`mutation($input: ${type}!) { ${name}(input: $input) { ${selection} } }`, { input });
  }

  /** Starts a subscription over a WebSocket of its own. */
  subscribe(query: string, variables: object = {}): Subscription {
    const socket = createClient({
      url: this.url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: this.key === null ? {} : { authorization: `Bearer ${this.key}` },
      retryAttempts: 0,
    });
    this.#sockets.push(socket);
    return new Subscription(socket, query, variables);
  }

  async close(): Promise<void> {
    await Promise.all(this.#sockets.map((socket) => socket.dispose()));
  }
}

export class Subscription {
  readonly received: Answer[] = [];
  /** The refusal, the close event or the socket's error that ended it; undefined while it runs or ended well. */
  ended: unknown;
  done = false;
  readonly #query: string;
  readonly #stop: () => void;
  readonly #socket: Client;
  /** Several may wait for what comes. */
  readonly #waiting = new Set<() => void>();

  constructor(socket: Client, query: string, variables: object) {
    this.#socket = socket;
    this.#query = query;
    const finish = (error?: unknown) => {
      this.ended = error;
      this.done = true;
      this.#wake();
    };
    this.#stop = socket.subscribe(
      { query, variables: variables as Record<string, unknown> },
      {
        next: (result) => {
          if (result.errors) finish(result.errors);
          else if (result.data) this.received.push(Object.values(result.data)[0]);
          this.#wake();
        },
        error: finish,
        complete: () => finish(this.ended),
      },
    );
  }

  /** Waits until what was received satisfies the condition. */
  async until(condition: (received: Answer[]) => boolean, timeoutMs = 15_000): Promise<Answer[]> {
    const giveUpAt = Date.now() + timeoutMs;
    while (!condition(this.received)) {
      if (this.done || Date.now() > giveUpAt) {
        const tail = show(this.received.slice(-5));
        throw new Error(
          `${this.done ? 'ended' : 'nothing more'} after ${this.received.length}:\n${this.#query}\n${tail}\n${show(this.ended)}`,
        );
      }
      await this.#changed(giveUpAt);
    }
    return this.received;
  }

  count(n: number): Promise<Answer[]> {
    return this.until((received) => received.length >= n);
  }

  /** Waits for its end by a refusal. */
  async refusal(timeoutMs = 10_000): Promise<Refusal> {
    await this.#end(timeoutMs);
    if (!Array.isArray(this.ended))
      throw new Error(`not refused:\n${this.#query}\n${show(this.received)}\n${show(this.ended)}`);
    return refusal(this.ended[0]);
  }

  /** Waits for its end because the socket was closed. @returns the close code */
  async closeCode(timeoutMs = 10_000): Promise<number> {
    const code = await this.endCode(timeoutMs);
    if (typeof code !== 'number')
      throw new Error(`not closed:\n${this.#query}\n${show(this.received)}\n${show(this.ended)}`);
    return code;
  }

  /** Waits for its end, however it comes. @returns the refusal's code or the close code; undefined when it ended well */
  async endCode(timeoutMs = 10_000): Promise<string | number | undefined> {
    await this.#end(timeoutMs);
    return Array.isArray(this.ended) ? refusal(this.ended[0]).code : (this.ended as { code?: number })?.code;
  }

  async #end(timeoutMs: number): Promise<void> {
    const giveUpAt = Date.now() + timeoutMs;
    while (!this.done && Date.now() < giveUpAt) await this.#changed(giveUpAt);
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #changed(giveUpAt: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.max(1, giveUpAt - Date.now()));
      this.#waiting.add(wake);
    });
  }

  stop(): void {
    this.#stop();
  }

  /** Cuts the connection without a goodbye. */
  cut(): void {
    this.#socket.terminate();
  }
}

function refusal(error: Answer): Refusal {
  const { code, field, ...rest } = error.extensions ?? {};
  return { code, field, message: error.message, extensions: rest };
}

function show(value: unknown): string {
  return JSON.stringify(value, null, 1) ?? String(value);
}

/** Waits for a condition, never for a time. */
export async function eventually<T>(
  check: () => Promise<T | false | null | undefined> | T | false | null | undefined,
  timeoutMs = 15_000,
): Promise<T> {
  const giveUpAt = Date.now() + timeoutMs;
  // Each look costs the machine what is waited for: the longer it takes, the less often.
  for (let pause = 10; ; pause = Math.min(pause * 1.4, 120)) {
    const value = await check();
    if (value) return value;
    if (Date.now() > giveUpAt)
      throw new Error(`the condition did not come true within ${timeoutMs} ms: ${check}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
