import { createLogger } from '../../src/platform/logger.ts';
import { startServer } from '../../src/server/server.ts';
import { statementsDuring } from '../../test/support/statements.ts';
import { Caller } from '../harness/http.ts';
import { childOptions, memoryNow, serveCalls } from '../harness/serve-calls.ts';
import { census } from '../soak/census.ts';

/** Our server, as `taskmesh serve` starts it, in a process that can be asked about itself. */
const options = childOptions<{ databaseUrl: string | null; dataDir: string }>();
const MANY = 20_000;
const server = await startServer(
  { host: '127.0.0.1', port: 0, ...options, logLevel: 'warn', production: true },
  {
    logger: createLogger('warn'),
    // A crowd has one key and one address here, and what is measured is not how it is refused.
    limits: (limits) => ({
      ...limits,
      keys: { ...limits.keys, USER: { ...limits.keys.USER, sockets: MANY, subscriptions: MANY } },
      address: { ...limits.address, sockets: MANY },
    }),
  },
);

serveCalls(
  {
    where: () => ({ url: server.url, key: server.firstKey }),
    memory: memoryNow,
    listeners: () => server.runtime.doorbell.listeners,
    census: () => census(server),
    /** Milliseconds of work so far, which others on the machine do not change. */
    cpu: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1_000;
    },
    statements: async ({ key, query, variables }: { key: string; query: string; variables: object }) => {
      const caller = new Caller(server.url, key);
      const statements = await statementsDuring(server, () => caller.ask(query, variables));
      caller.close();
      return statements;
    },
  },
  () => server.close(),
);
