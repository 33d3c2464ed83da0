import { createServer, type Server, type ServerResponse } from 'node:http';
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

/** How long requests that are being answered may go on once the server is told to stop. Milliseconds. */
const DRAIN_MS = 5_000;

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
    const state = { stopping: false };
    const streams = new Set<ServerResponse>();
    const http = createServer((request, response) => {
      if (request.headers.accept?.includes('text/event-stream')) {
        streams.add(response);
        response.once('close', () => streams.delete(response));
      }
      if (!answerHealth(runtime, state, request, response)) void yoga(request, response, { req: request });
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
      state.stopping = true;
      instance.beginClosing();
      // Cut, not ended: an SSE client takes an end for the end of the subscription, and a cut for a reason to come back.
      for (const stream of streams) stream.destroy();
      for (const reactor of Object.values(reactors)) await reactor.close();
      await sockets.close();
      await drain(http);
      stopCutting();
      await instance.close();
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

/** Answers under way get a moment. Who waited was told, and comes back. */
async function drain(http: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => http.close(() => resolve()));
  http.closeIdleConnections();
  const cut = setTimeout(() => http.closeAllConnections(), DRAIN_MS);
  await closed;
  clearTimeout(cut);
}
