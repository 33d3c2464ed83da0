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
import { refuseFailed } from './refusals.ts';
import { schema } from './schema.ts';
import { secure } from './security-headers.ts';
import { cutSlowClients } from './slow-clients.ts';
import { Traffic } from './traffic.ts';
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

/** How long a request may take to arrive. Milliseconds. */
const REQUEST_MS = 120_000;
/**
 * How long an idle connection is kept: longer than clients keep theirs, so that it is the client who closes it. The other
 * way round a request that is sent at that moment gets no answer. Milliseconds.
 */
const KEEP_ALIVE_MS = 65_000;
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
    const traffic = new Traffic();
    const http = createServer((request, response) => {
      if (answerHealth(runtime, traffic, request, response)) return;
      if (!traffic.admit(request, response)) return;
      answer(door, yoga, request, response).catch((error: unknown) => {
        // Whoever has gone waits for no answer.
        if (response.destroyed) return;
        const masked = mask(error);
        if (response.headersSent) response.destroy();
        else refuseFailed(response, masked);
      });
    });
    http.requestTimeout = REQUEST_MS;
    http.keepAliveTimeout = KEEP_ALIVE_MS;
    const sockets = serveWebSocket(http, runtime, { door, documents, mask });
    const stopCutting = cutSlowClients(http, runtime.logger, options.stallMs);
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
      traffic.beginStopping();
      instance.beginClosing();
      // All at once: each has its own measure of patience with others.
      const rounds = Object.values(reactors).map((reactor) => reactor.close());
      await atMost(STOP_WITHIN_MS, Promise.all([...rounds, sockets.close(), traffic.drain(http)]));
      stopCutting();
      await atMost(DATABASE_CLOSES_WITHIN_MS, instance.close());
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

async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([work, late]);
  clearTimeout(timer);
}
