import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionArgs, GraphQLSchema } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { createYoga, type YogaServerInstance } from 'graphql-yoga';
import { WebSocketServer } from 'ws';

type Enveloped = ReturnType<YogaServerInstance<object, object>['getEnveloped']>;

/** Yoga with graphql-ws, put together as Yoga's documentation says. @returns where it is, by WebSocket */
export async function serveYoga(schema: GraphQLSchema): Promise<string> {
  const yoga = createYoga({ schema, logging: false });
  const http = createServer((request, response) => void yoga(request, response));
  const sockets = new WebSocketServer({ server: http, path: yoga.graphqlEndpoint });
  useServer(
    {
      execute: (args) =>
        (args as unknown as { rootValue: Enveloped }).rootValue.execute(args as ExecutionArgs),
      subscribe: (args) =>
        (args as unknown as { rootValue: Enveloped }).rootValue.subscribe(args as ExecutionArgs),
      onSubscribe: async (context, _id, params) => {
        const {
          schema: ours,
          execute,
          subscribe,
          contextFactory,
          parse,
          validate,
        } = yoga.getEnveloped({
          ...context,
          req: context.extra.request,
          socket: context.extra.socket,
          params,
        });
        const args = {
          schema: ours,
          operationName: params.operationName,
          document: parse(params.query),
          variableValues: params.variables,
          contextValue: await contextFactory(),
          rootValue: { execute, subscribe },
        };
        const errors = validate(args.schema, args.document);
        return errors.length > 0 ? errors : (args as never);
      },
    },
    sockets,
  );
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return `ws://127.0.0.1:${(http.address() as AddressInfo).port}${yoga.graphqlEndpoint}`;
}
