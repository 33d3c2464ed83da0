import { issueKey } from '../../src/keys/key.service.ts';
import { createOwner } from '../../src/keys/owners.ts';
import type { AccessConfig } from '../../src/platform/access-config.ts';
import type { Clock } from '../../src/platform/clock.ts';
import { accessOf, serverConfig } from '../../src/platform/config.ts';
import type { Doorbell } from '../../src/platform/doorbell.ts';
import { createLogger, type Logger } from '../../src/platform/logger.ts';
import { transact } from '../../src/platform/transaction.ts';
import { type RunningServer, type ServerOptions, startServer } from '../../src/server/server.ts';
import { Api } from './api.ts';
import { onEnd } from './cleanup.ts';
import { TestClock } from './clock.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

export interface TestServer {
  readonly server: RunningServer;
  readonly database: TestDatabase;
  /** With the first owner's key. */
  readonly api: Api;
  /** A further owner. @returns a client with its key */
  newOwner(): Promise<Api>;
  /** A further server instance on the same database (PostgreSQL only). */
  another(): Promise<RunningServer>;
  close(): Promise<void>;
}

export interface TestServerOptions {
  readonly clock?: Clock;
  readonly logLevel?: string;
  readonly logger?: Logger;
  readonly doorbell?: (doorbell: Doorbell) => Doorbell;
  readonly production?: boolean;
  readonly host?: string;
  readonly access?: Partial<AccessConfig>;
  readonly limits?: ServerOptions['limits'];
  /** How long a client may leave what was sent to it unread. Milliseconds. */
  readonly stallMs?: number;
}

/** A server on a database of its own. It is closed at the end of the test file. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const database = await createTestDatabase();
  const production = options.production ?? false;
  const access = accessOf(serverConfig({}, production ? { NODE_ENV: 'production' } : {}));
  const config = {
    host: options.host ?? '127.0.0.1',
    port: 0,
    databaseUrl: database.databaseUrl,
    dataDir: database.dataDir,
    logLevel: 'warn' as const,
    production,
    access: { ...access, ...options.access },
  };
  const instance = {
    logger: options.logger ?? createLogger(options.logLevel ?? 'error'),
    ...(options.limits ? { limits: options.limits } : {}),
    // Up since now, as a server of its own process would be: else a slow machine makes silent daemons count as lost.
    clock: options.clock ?? new TestClock(),
    ...(options.stallMs === undefined ? {} : { stallMs: options.stallMs }),
    ...(options.doorbell ? { doorbell: options.doorbell } : {}),
  };
  const server = await startServer(config, instance);
  const others: RunningServer[] = [];
  const api = new Api(server.url, server.firstKey);
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    await api.close();
    for (const other of others) await other.close();
    await server.close();
    await database.drop();
  };
  onEnd(close);
  return {
    server,
    database,
    api,
    close,
    newOwner: async () => {
      const key = await transact(server.runtime, async (tx) => {
        const owner = await createOwner(tx, 'Another');
        return issueKey(tx, { kind: 'USER', name: 'another', ownerId: owner.id });
      });
      return api.as(key);
    },
    another: async () => {
      const other = await startServer(config, instance);
      others.push(other);
      return other;
    },
  };
}
