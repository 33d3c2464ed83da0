import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import { createPubSub, createSchema } from 'graphql-yoga';
import pg from 'pg';
import { childOptions, serveCalls } from '../harness/serve-calls.ts';
import { serveYoga } from './yoga-server.ts';

/**
 * What one would put together for the same way from a caller to a daemon: a mutation that adds a job of graphile-worker,
 * and a subscription that its worker feeds. In one process, as ours; without permissions, log and retries.
 */
const { connectionString } = childOptions<{ connectionString: string }>();
const logger = new Logger(() => () => undefined);
const pool = new pg.Pool({ connectionString, max: 12 });
pool.on('error', () => undefined);
pool.on('connect', (client) => client.on('error', () => undefined));
const utils = await makeWorkerUtils({ pgPool: pool, logger });
await utils.migrate();

interface Job {
  readonly number: number;
  readonly name: string;
  readonly plan: string;
}
const pubSub = createPubSub<{ command: [Job] }>();
let listeners = 0;
const schema = createSchema({
  typeDefs: /* GraphQL */ `
    input JobInput { number: Int! name: String! plan: String! }
    type Job { number: Int! name: String! plan: String! }
    type Query { ready: Boolean! }
    type Mutation { addJob(input: JobInput!): ID! }
    type Subscription { command: Job! }
  `,
  resolvers: {
    Mutation: {
      addJob: async (_: unknown, { input }: { input: Job }) =>
        (await utils.addJob('bench', input as never, { maxAttempts: 1 })).id,
    },
    Subscription: {
      command: {
        subscribe: () => {
          listeners += 1;
          return pubSub.subscribe('command');
        },
        resolve: (job: Job) => job,
      },
    },
  },
});
const url = await serveYoga(schema);
const runner = await run({
  pgPool: pool,
  concurrency: 10,
  noHandleSignals: true,
  logger,
  taskList: { bench: (payload) => pubSub.publish('command', payload as Job) },
});

serveCalls({ where: () => ({ url }), listeners: () => listeners }, async () => {
  await runner.stop();
  await utils.release();
  process.exit(0);
});
