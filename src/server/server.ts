import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isLoopback } from '../platform/access-config.ts';
import { accessOf, type ServerConfig } from '../platform/config.ts';
import { DomainError } from '../platform/errors.ts';
import { Reactor } from '../platform/reactor.ts';
import type { Runtime } from '../platform/runtime.ts';
import { scheduler } from '../scheduler/scheduler.ts';
import { supervision } from '../supervisor/supervision.ts';
import { masking } from './answers.ts';
import type { DoorCounters } from './callers.ts';
import { Documents } from './documents.ts';
import { Door } from './door.ts';
import { answerHealth } from './health.ts';
import { type InstanceOptions, openInstance } from './instance.ts';
import { type Limits, limitsOf } from './limits.ts';
import { createFirstOwner } from './owners.ts';
import { schema } from './schema.ts';
import { secure } from './security-headers.ts';
import { serveWebSocket } from './websocket.ts';
import { createGraphQLServer, GRAPHQL_PATH, type Yoga } from './yoga.ts';

export interface RunningServer {
  /** The GraphQL endpoint: HTTP, SSE and WebSocket. */
  readonly url: string;
  readonly port: number;
  /** The user key that was made because the database was empty; null at every later start. */
  readonly firstKey: string | null;
  readonly runtime: Runtime;
  readonly scheduler: Reactor;
  readonly supervision: Reactor;
  /** Who was turned away at the door, since the start. */
  readonly counters: Readonly<DoorCounters>;
  /** Takes no new connections, ends the open ones and closes the database. */
  close(): Promise<void>;
}

export interface ServerOptions extends InstanceOptions {
  /** Gets the limits of the configuration and gives the ones to use. */
  readonly limits?: (limits: Limits) => Limits;
}

/** How long requests that are being answered may go on once the server is told to stop. Milliseconds. */
const DRAIN_MS = 5_000;
/** How long a request may take to arrive. Milliseconds. */
const REQUEST_MS = 120_000;

/**
 * Starts a server: database and migrations, the scheduler, HTTP and WebSocket.
 * @throws DomainError INVALID_INPUT when the port or the data directory is taken
 */
export async function startServer(config: ServerConfig, options: ServerOptions = {}): Promise<RunningServer> {
  const access = accessOf(config);
  refuseOpenAddress(config.host, access.behindTls);
  const limits = limitsOf(access.limits);
  const instance = await openInstance(config, options);
  const { runtime } = instance;
  try {
    const firstKey = await createFirstOwner(runtime, config.dataDir);
    const door = new Door(runtime, access, options.limits?.(limits) ?? limits);
    const { introspection, graphiql } = access;
    const documents = new Documents(schema, { limits: door.limits.document, introspection });
    const mask = masking(runtime.logger, introspection);
    const yoga = createGraphQLServer(runtime, { documents, graphiql, mask });
    const state = { stopping: false };
    const streams = new Set<ServerResponse>();
    const http = createServer((request, response) => {
      if (request.headers.accept?.includes('text/event-stream')) {
        streams.add(response);
        response.once('close', () => streams.delete(response));
      }
      if (answerHealth(runtime, state, request, response)) return;
      answer(door, yoga, request, response).catch((error: unknown) => {
        runtime.logger.warn({ err: error }, 'a request could not be answered');
        response.destroy();
      });
    });
    http.requestTimeout = REQUEST_MS;
    const sockets = serveWebSocket(http, runtime, { door, documents, mask });
    await listen(http, config);
    const reactors = {
      scheduler: new Reactor(runtime, scheduler),
      supervision: new Reactor(runtime, supervision),
    };
    for (const reactor of Object.values(reactors)) reactor.start();
    const { port } = http.address() as AddressInfo;
    door.opened(config.host, port);
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
      await instance.close();
    };
    let closing: Promise<void> | undefined;
    const { counters } = door;
    return { url, port, firstKey, runtime, ...reactors, counters, close: () => (closing ??= close()) };
  } catch (error) {
    await instance.close();
    throw error;
  }
}

/**
 * Keys and code would cross the network in clear.
 * @throws DomainError INVALID_INPUT unless only this machine can come here, or TLS is said to stand in front
 */
function refuseOpenAddress(host: string, behindTls: boolean): void {
  if (isLoopback(host) || behindTls) return;
  throw new DomainError(
    'INVALID_INPUT',
    `Listening on ${host} would let others come here without encryption, and read keys on their way. ` +
      'Put a proxy that ends TLS in front of it, and say so with TASKMESH_BEHIND_TLS=true; or listen on 127.0.0.1.',
    { field: 'host' },
  );
}

async function answer(
  door: Door,
  yoga: Yoga,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.url?.split('?')[0] !== GRAPHQL_PATH) {
    secure(response, false);
    response.writeHead(404).end();
    return;
  }
  const admission = await door.admit(request, response);
  if (admission) await yoga(request, response, { req: request, admission });
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
