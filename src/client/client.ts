import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'graphql-ws';
import { ApiError, refusalOf, UnreachableError } from './errors.ts';
import type { TypedDocumentString } from './generated/graphql.ts';

export interface ClientOptions {
  /** The GraphQL endpoint, `http(s)://host:port/graphql`. */
  readonly url: string;
  /** A user, task or daemon key. */
  readonly key: string;
}

export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** How long to wait for the answer. Milliseconds, default 60,000. */
  readonly timeoutMs?: number;
}

interface GraphQLAnswer<TResult> {
  data?: TResult | null;
  errors?: { message: string; extensions?: Record<string, unknown> }[];
}

/** A thin GraphQL client: queries and mutations over HTTP, subscriptions over one WebSocket. */
export class TaskmeshClient {
  readonly url: string;
  readonly #key: string;
  #socket: Promise<Client> | undefined;

  constructor(options: ClientOptions) {
    this.url = options.url;
    this.#key = options.key;
  }

  /**
   * Runs a query or mutation.
   * @throws ApiError when the API refused it, UnreachableError when no answer came.
   */
  async request<TResult, TVariables>(
    document: TypedDocumentString<TResult, TVariables>,
    variables: NoInfer<TVariables>,
    options: RequestOptions = {},
  ): Promise<TResult> {
    const giveUpAt = Date.now() + BUSY_MS;
    for (;;) {
      try {
        return await this.#send(document, variables, options);
      } catch (error) {
        // Turned away at the door: it was certainly not done, so it may be sent again whatever it is.
        const wait = retryAfterMs(error);
        if (wait === null || Date.now() + wait > giveUpAt) throw error;
        await delay(wait, undefined, options.signal ? { signal: options.signal } : {});
      }
    }
  }

  async #send<TResult, TVariables>(
    document: TypedDocumentString<TResult, TVariables>,
    variables: TVariables,
    options: RequestOptions,
  ): Promise<TResult> {
    const timeout = AbortSignal.timeout(options.timeoutMs ?? 60_000);
    const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
    let answer: GraphQLAnswer<TResult>;
    try {
      const response = await fetch(this.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/graphql-response+json, application/json',
          authorization: `Bearer ${this.#key}`,
        },
        body: JSON.stringify({ query: document.toString(), variables }),
        signal,
      });
      answer = (await response.json()) as GraphQLAnswer<TResult>;
    } catch (cause) {
      if (options.signal?.aborted) throw options.signal.reason;
      throw new UnreachableError(this.url, cause);
    }
    const refusal = answer.errors?.[0];
    if (refusal) throw refusalOf(this.url, refusal.message, refusal.extensions);
    if (!answer.data)
      throw new UnreachableError(this.url, new Error('The answer was not a GraphQL response.'));
    return answer.data;
  }

  /**
   * Runs a subscription until it completes or the signal aborts.
   * @throws ApiError when the API refused it, UnreachableError when the socket was cut. It does not reconnect by
   * itself: see `follow` in follow.ts for subscriptions that resume from a cursor.
   */
  async *subscribe<TResult, TVariables>(
    document: TypedDocumentString<TResult, TVariables>,
    variables: NoInfer<TVariables>,
    signal?: AbortSignal,
  ): AsyncGenerator<TResult, void, undefined> {
    this.#socket ??= openSocket(this.url, this.#key);
    const socket = await this.#socket;
    const results = socket.iterate<TResult>({
      query: document.toString(),
      variables: variables as Record<string, unknown>,
    });
    const stop = () => void results.return?.(undefined);
    signal?.addEventListener('abort', stop, { once: true });
    try {
      if (signal?.aborted) return;
      for await (const result of results) {
        const refusal = result.errors?.[0];
        if (refusal) throw refusalOf(this.url, refusal.message, refusal.extensions);
        if (result.data) yield result.data as TResult;
      }
    } catch (error) {
      throw asSubscriptionError(error, this.url);
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /** Closes the WebSocket. Requests under way are not touched. */
  async close(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    await (await socket)?.dispose();
  }
}

/** For how long a server that says it is too much is asked again. Milliseconds. */
const BUSY_MS = 30_000;

/** null: it was not turned away for being too much. */
function retryAfterMs(error: unknown): number | null {
  if (!(error instanceof ApiError) || error.code !== 'RATE_LIMITED') return null;
  const { retryAfter } = error.extensions;
  return typeof retryAfter === 'number' ? retryAfter * 1_000 : null;
}

/** How often an idle socket is probed, and how long an answer may take. Milliseconds. */
const PROBE_MS = 10_000;
const ANSWER_MS = 5_000;

/** Loaded when first needed: most runs of the CLI ask one thing and end, and agents run it often. */
async function openSocket(url: string, key: string): Promise<Client> {
  const [{ createClient }, { WebSocket }] = await Promise.all([import('graphql-ws'), import('ws')]);
  let socket: InstanceType<typeof WebSocket> | undefined;
  let overdue: NodeJS.Timeout | undefined;
  return createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${key}` },
    lazy: true,
    retryAttempts: 0,
    connectionAckWaitTimeout: PROBE_MS,
    keepAlive: PROBE_MS,
    lazyCloseTimeout: 500,
    on: {
      opened: (opened) => {
        socket = opened as typeof socket;
      },
      // A connection whose packets vanish never closes by itself: without an answer it is taken for dead.
      ping: (received) => {
        if (received) return;
        clearTimeout(overdue);
        overdue = setTimeout(() => socket?.terminate(), ANSWER_MS);
        overdue.unref();
      },
      pong: (received) => {
        if (received) clearTimeout(overdue);
      },
      closed: () => clearTimeout(overdue),
    },
  });
}

/** graphql-ws rejects with an array of GraphQL errors, a close event, or an error of the socket. */
function asSubscriptionError(error: unknown, url: string): Error {
  if (error instanceof ApiError || error instanceof UnreachableError) return error;
  if (Array.isArray(error) && error[0]) {
    const [first] = error as { message: string; extensions?: Record<string, unknown> }[];
    const refusal = refusalOf(url, first?.message ?? 'The subscription was refused.', first?.extensions);
    // Too much at the moment: as if the line was cut, come again.
    return retryAfterMs(refusal) === null ? refusal : new UnreachableError(url, refusal);
  }
  const close = error as { code?: unknown; reason?: unknown };
  if (close.code === 4401 || close.code === 4403) {
    return new ApiError(String(close.reason ?? 'The key was refused.'), { code: 'UNAUTHENTICATED' });
  }
  return new UnreachableError(url, error);
}
