import { issueKey } from '../../src/keys/key.service.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { transact } from '../../src/platform/transaction.ts';
import type { InstanceOptions } from '../../src/server/instance.ts';
import { createOwner } from '../../src/server/owners.ts';
import { type RunningServer, startServer } from '../../src/server/server.ts';
import { Api } from './api.ts';
import { onEnd } from './cleanup.ts';
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

/** A server on a database of its own. It is closed at the end of the test file. */
export async function startTestServer(
  options: InstanceOptions & { logLevel?: string } = {},
): Promise<TestServer> {
  const database = await createTestDatabase();
  const config = {
    host: '127.0.0.1',
    port: 0,
    databaseUrl: database.databaseUrl,
    dataDir: database.dataDir,
    logLevel: 'warn' as const,
    production: false,
  };
  const { logLevel, ...more } = options;
  const instance = { logger: createLogger(logLevel ?? 'error'), ...more };
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
