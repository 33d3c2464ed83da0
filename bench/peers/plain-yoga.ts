import { once, setMaxListeners } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { ExecutionArgs } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { createPubSub, createSchema, createYoga } from 'graphql-yoga';
import { WebSocketServer } from 'ws';
import { memoryNow, now, serveCalls } from '../harness/serve-calls.ts';

/**
 * Plain Yoga with graphql-ws, put together as Yoga's documentation says, with its in-memory pubsub: no database, no
 * permissions. Also the bare graphql-ws that the memory of a subscriber is compared with.
 */
const eventTarget = new EventTarget() as never;
setMaxListeners(0, eventTarget);
const pubSub = createPubSub<{ output: [object] }>({ eventTarget });
const event = {
  attempt: 1,
  messageId: null,
  type: 'STDOUT',
  toolName: null,
  toolInput: null,
  isError: false,
  isPartial: false,
  task: { id: 'task_00000000000000000000000000', name: 'Task', role: 'WORK' },
};
let listeners = 0;
const schema = createSchema({
  typeDefs: /* GraphQL */ `
    type Query { ready: Boolean! }
    type Task { id: ID! name: String! role: String! }
    type Entry {
      sequence: Int! occurredAt: String! attempt: Int! messageId: String type: String! content: String! toolName: String
      toolInput: String isError: Boolean! isPartial: Boolean! task: Task!
    }
    type Subscription { taskOutput(taskId: ID!, afterSequence: Int): Entry! }
  `,
  resolvers: {
    Subscription: {
      taskOutput: {
        subscribe: () => {
          listeners += 1;
          return pubSub.subscribe('output');
        },
        resolve: (event: object) => event,
      },
    },
  },
});
const yoga = createYoga({ schema, logging: false });
const http = createServer((request, response) => void yoga(request, response));
const sockets = new WebSocketServer({ server: http, path: yoga.graphqlEndpoint });
type Enveloped = ReturnType<typeof yoga.getEnveloped>;
useServer(
  {
    execute: (args) => (args as unknown as { rootValue: Enveloped }).rootValue.execute(args as ExecutionArgs),
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

serveCalls(
  {
    where: () => ({ url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/graphql` }),
    listeners: () => listeners,
    memory: memoryNow,
    publish: async ({ content, events, burst }: { content: string; events: number; burst: number }) => {
      const at = now();
      const time = new Date().toISOString();
      for (let sequence = 1; sequence <= events; sequence += 1) {
        pubSub.publish('output', { ...event, sequence, occurredAt: time, content });
        // Its queues hold 1,024 events and the process ends on one more: so it is given time.
        if (sequence % burst === 0) await turn();
      }
      return at;
    },
  },
  () => process.exit(0),
);
