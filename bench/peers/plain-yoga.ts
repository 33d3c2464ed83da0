import { setMaxListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { createPubSub, createSchema } from 'graphql-yoga';
import { memoryNow, now, serveCalls } from '../harness/serve-calls.ts';
import { serveYoga } from './yoga-server.ts';

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
const url = await serveYoga(schema);

serveCalls(
  {
    where: () => ({ url }),
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
