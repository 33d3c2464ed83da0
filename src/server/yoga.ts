import type { IncomingMessage } from 'node:http';
import { type DocumentNode, execute, type GraphQLError, Kind, type NameNode, parse, visit } from 'graphql';
import {
  createYoga,
  isAsyncIterable,
  type Plugin,
  type YogaInitialContext,
  type YogaServerInstance,
} from 'graphql-yoga';
import { type Context, createContext } from '../graphql/context.ts';
import type { Runtime } from '../platform/runtime.ts';
import type { Documents } from './documents.ts';
import type { Admission } from './door.ts';
import { schema } from './schema.ts';
import { subscribeAlone } from './shared-execution.ts';

export const GRAPHQL_PATH = '/graphql';

export interface ServerContext {
  readonly req: IncomingMessage;
  readonly admission: Admission;
}

export type Yoga = YogaServerInstance<ServerContext, Context>;

export interface YogaOptions {
  readonly documents: Documents;
  /** Whether a browser that comes here is shown GraphiQL. */
  readonly graphiql: boolean;
  /** What a caller is told of an error. */
  readonly mask: (error: unknown) => GraphQLError;
}

/** GraphQL over HTTP: queries and mutations by POST, subscriptions by SSE, GraphiQL for a browser. */
export function createGraphQLServer(runtime: Runtime, { documents, graphiql, mask }: YogaOptions): Yoga {
  return createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: GRAPHQL_PATH,
    landingPage: false,
    graphiql: graphiql ? { title: 'Taskmesh', subscriptionsProtocol: 'SSE', defaultQuery: WELCOME } : false,
    // Yoga's own page loads GraphiQL from a CDN; this one brings it along. It is large, so it is read when asked for.
    renderGraphiQL: async (options) =>
      (await import('@graphql-yoga/render-graphiql')).renderGraphiQL(options),
    batching: false,
    multipart: false,
    // The door answers for both.
    cors: false,
    maxRequestBodySize: false,
    parserAndValidationCache: false,
    plugins: [prepared(documents), subscriptions(runtime, documents)],
    maskedErrors: { maskError: mask },
    logging: {
      debug: (...args) => runtime.logger.trace(args),
      info: (...args) => runtime.logger.debug(args),
      warn: (...args) => runtime.logger.warn(args),
      // What is unexpected was logged where it was masked, with its request id.
      error: (...args) => runtime.logger.debug(args),
    },
    context: ({ admission: { authentication, address }, request }) =>
      createContext(runtime, {
        principal: authentication.principal,
        ...(authentication.principal ? {} : { refusal: authentication.message }),
        address,
        signal: request.signal,
      }),
  });
}

/** Documents are parsed, measured and validated as they are over WebSocket, and remembered in the same place. */
function prepared(documents: Documents): Plugin<Context> {
  const refusals = new WeakMap<object, readonly GraphQLError[]>();
  return {
    onParse: ({ params, context, setParsedDocument }) => {
      const result = documents.prepare(String(params.source));
      if ('document' in result) return setParsedDocument(result.document);
      // All errors are told in the step that HTTP has a status for, and a document is needed to get there.
      refusals.set(context, result.errors);
      setParsedDocument(nothing(context.params.operationName));
    },
    onValidate: ({ context, setResult }) => setResult([...(refusals.get(context) ?? [])]),
    onExecute: ({ args, setExecuteFn }) => {
      documents.checkCost(args.document, args.operationName, args.variableValues);
      // As for subscriptions. Yoga's own executor copies all input before it looks at it.
      setExecuteFn((given) => withStatus(execute(given)));
    },
  };
}

/** Subscriptions over SSE: each for itself. */
function subscriptions(runtime: Runtime, documents: Documents): Plugin<Context> {
  return {
    onSubscribe: ({ args, setSubscribeFn }) => {
      documents.checkCost(args.document, args.operationName, args.variableValues);
      setSubscribeFn((given) => subscribeAlone(runtime, given));
      return { onSubscribeResult: endWithRequest };
    },
  };
}

type Executed = ReturnType<typeof execute>;

/**
 * Variables that do not fit are the request's fault: without `data`, nothing having been executed, the status is 400.
 * https://graphql.github.io/graphql-over-http/draft/#sec-application-graphql-response-json
 */
function withStatus(executed: Executed): Executed {
  if (executed instanceof Promise || 'data' in executed) return executed;
  for (const { extensions } of executed.errors ?? []) Object.assign(extensions, { http: { status: 400 } });
  return executed;
}

/** A document with the operation that was asked for, which is never executed. */
function nothing(operationName: string | null | undefined): DocumentNode {
  const document = parse('{ __typename }');
  if (!operationName) return document;
  const name: NameNode = { kind: Kind.NAME, value: operationName };
  return visit(document, { OperationDefinition: (node) => ({ ...node, name }) });
}

/** A client that leaves while its stream is being set up would else leave the source, and its listener, behind. */
function endWithRequest({ args, result }: { args: { contextValue?: unknown }; result: unknown }): void {
  if (!isAsyncIterable(result)) return;
  const { signal } = (args.contextValue as YogaInitialContext).request;
  const end = () => void result[Symbol.asyncIterator]().return?.();
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
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
