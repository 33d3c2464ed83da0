import type { IncomingMessage } from 'node:http';
import {
  createYoga,
  isAsyncIterable,
  type Plugin,
  type YogaInitialContext,
  type YogaServerInstance,
} from 'graphql-yoga';
import { type Context, createContext } from '../graphql/context.ts';
import { maskError } from '../graphql/mask-error.ts';
import { authenticate } from '../keys/key.service.ts';
import type { Principal } from '../platform/principal.ts';
import type { Runtime } from '../platform/runtime.ts';
import { schema } from './schema.ts';
import { subscribeAlone } from './shared-execution.ts';

export const GRAPHQL_PATH = '/graphql';

export interface ServerContext {
  readonly req: IncomingMessage;
}

export type Yoga = YogaServerInstance<ServerContext, Context>;

/** GraphQL over HTTP: queries and mutations by POST, subscriptions by SSE, GraphiQL for a browser. */
export function createGraphQLServer(runtime: Runtime, production: boolean): Yoga {
  return createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    landingPage: false,
    graphiql: production ? false : { title: 'Taskmesh', subscriptionsProtocol: 'SSE', defaultQuery: WELCOME },
    // Yoga's own page loads GraphiQL from a CDN; this one brings it along. It is large, so it is read when asked for.
    renderGraphiQL: async (options) =>
      (await import('@graphql-yoga/render-graphiql')).renderGraphiQL(options),
    batching: false,
    cors: false,
    plugins: [subscriptions(runtime)],
    maskedErrors: { maskError: (error) => maskError(error, runtime.logger) },
    logging: {
      debug: (...args) => runtime.logger.trace(args),
      info: (...args) => runtime.logger.debug(args),
      warn: (...args) => runtime.logger.warn(args),
      // What is unexpected was logged where it was masked, with its request id.
      error: (...args) => runtime.logger.debug(args),
    },
    context: async ({ req, request }) => {
      const principal = await principalOf(runtime, request.headers);
      return createContext(runtime, {
        principal,
        address: req?.socket.remoteAddress ?? null,
        signal: request.signal,
      });
    },
  });
}

/** Subscriptions over SSE: each for itself. */
function subscriptions(runtime: Runtime): Plugin<Context> {
  return {
    onSubscribe: ({ setSubscribeFn }) => {
      setSubscribeFn((args) => subscribeAlone(runtime, args));
      return { onSubscribeResult: endWithRequest };
    },
  };
}

/** A client that leaves while its stream is being set up would else leave the source, and its listener, behind. */
function endWithRequest({ args, result }: { args: { contextValue?: unknown }; result: unknown }): void {
  if (!isAsyncIterable(result)) return;
  const { signal } = (args.contextValue as YogaInitialContext).request;
  const end = () => void result[Symbol.asyncIterator]().return?.();
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
}

async function principalOf(runtime: Runtime, headers: Headers): Promise<Principal | null> {
  const authorization = headers.get('authorization') ?? '';
  const key = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? headers.get('x-tool-key');
  return key ? authenticate(runtime, key) : null;
}

// Over SSE a subscription carries the page's headers, and so the key; over WebSocket it would not.
const WELCOME = `# Put your key under "Headers" below:
#   { "authorization": "Bearer tmk_user_…" }
query {
  viewer { kind owner { name } }
  contracts(first: 10) { nodes { id name status phase } }
  daemons { name status agents }
}
`;
