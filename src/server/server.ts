import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ServerConfig } from '../platform/config.ts';
import { DomainError } from '../platform/errors.ts';
import { Reactor } from '../platform/reactor.ts';
import type { Runtime } from '../platform/runtime.ts';
import { scheduler } from '../scheduler/scheduler.ts';
import { supervision } from '../supervisor/supervision.ts';
import { answerHealth } from './health.ts';
import { type InstanceOptions, openInstance } from './instance.ts';
import { createFirstOwner } from './owners.ts';
import { cutSlowClients } from './slow-clients.ts';
import { Traffic } from './traffic.ts';
import { serveWebSocket } from './websocket.ts';
import { createGraphQLServer, GRAPHQL_PATH } from './yoga.ts';

export interface RunningServer {
  /** The GraphQL endpoint: HTTP, SSE and WebSocket. */
  readonly url: string;
  readonly port: number;
  /** The user key that was made because the database was empty; null at every later start. */
  readonly firstKey: string | null;
  readonly runtime: Runtime;
  readonly scheduler: Reactor;
  readonly supervision: Reactor;
  /** Takes no new connections, ends the open ones and closes the database. */
  close(): Promise<void>;
}

/**
 * All of a stop, also with a database that does not answer any more: a service manager kills after 10 s. What is not done
 * by then is as if the process had been killed, which loses nothing either. Milliseconds.
 */
const STOP_WITHIN_MS = 7_500;
const DATABASE_CLOSES_WITHIN_MS = 1_000;

/**
 * Starts a server: database and migrations, the scheduler, HTTP and WebSocket.
 * @throws DomainError INVALID_INPUT when the port or the data directory is taken
 */
export async function startServer(
  config: ServerConfig,
  options: InstanceOptions = {},
): Promise<RunningServer> {
  const instance = await openInstance(config, options);
  const { runtime } = instance;
  try {
    const firstKey = await createFirstOwner(runtime, config.dataDir);
    const yoga = createGraphQLServer(runtime, config.production);
    const traffic = new Traffic();
    const http = createServer((request, response) => {
      if (answerHealth(runtime, traffic, request, response)) return;
      if (traffic.admit(request, response)) void yoga(request, response, { req: request });
    });
    const sockets = serveWebSocket(http, runtime);
    const stopCutting = cutSlowClients(http, runtime.logger, options.stallMs);
    await listen(http, config);
    const reactors = {
      scheduler: new Reactor(runtime, scheduler),
      supervision: new Reactor(runtime, supervision),
    };
    for (const reactor of Object.values(reactors)) reactor.start();
    const { port } = http.address() as AddressInfo;
    const host = config.host.includes(':') ? `[${config.host}]` : config.host;
    const url = `http://${host}:${port}${GRAPHQL_PATH}`;
    runtime.logger.info({ url, embedded: runtime.db.embedded, migrated: instance.migrated }, 'ready');
    const close = async () => {
      traffic.beginStopping();
      instance.beginClosing();
      // All at once: each has its own measure of patience with others.
      const rounds = Object.values(reactors).map((reactor) => reactor.close());
      await atMost(STOP_WITHIN_MS, Promise.all([...rounds, sockets.close(), traffic.drain(http)]));
      stopCutting();
      await atMost(DATABASE_CLOSES_WITHIN_MS, instance.close());
    };
    let closing: Promise<void> | undefined;
    return { url, port, firstKey, runtime, ...reactors, close: () => (closing ??= close()) };
  } catch (error) {
    await instance.close();
    throw error;
  }
}

function listen(http: Server, config: ServerConfig): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      const why = taken
        ? 'is in use. Choose another one with --port'
        : `cannot be listened on (${cause.code})`;
      reject(
        new DomainError('INVALID_INPUT', `${config.host}:${config.port} ${why}.`, { field: 'port', cause }),
      );
    });
    http.listen(config.port, config.host, () => resolve());
  });
}

async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, late]);
  clearTimeout(timer);
}
