import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ExecutionArgs, execute, GraphQLError } from 'graphql';
import { CloseCode, type ConnectionInitMessage, type Context as SocketContext } from 'graphql-ws';
import { type Extra, useServer } from 'graphql-ws/use/ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { createContext } from '../graphql/context.ts';
import { maskError } from '../graphql/mask-error.ts';
import { authenticate } from '../keys/key.service.ts';
import { topics } from '../platform/doorbell.ts';
import type { Principal } from '../platform/principal.ts';
import type { Runtime } from '../platform/runtime.ts';
import { Documents } from './documents.ts';
import { schema } from './schema.ts';
import { type Receiver, SharedExecution } from './shared-execution.ts';
import { Wire } from './wire.ts';
import { GRAPHQL_PATH } from './yoga.ts';

/** Largest message a client may send, in bytes: a document with its variables. */
const MAX_MESSAGE = 1_024 * 1_024;
/** How long a client has to introduce itself, and how often an idle connection is probed. Milliseconds. */
const INIT_MS = 10_000;
const KEEP_ALIVE_MS = 12_000;
/** How long a client has to answer the goodbye of a server that stops: one that vanished never does. Milliseconds. */
const GOODBYE_MS = 2_000;

type Connection = SocketContext<ConnectionInitMessage['payload'], Extra>;

interface Session {
  readonly principal: Principal;
  /** Ends with the socket: whoever waits for this client stops. */
  readonly closed: AbortController;
  readonly stopWatchingKey: () => void;
}

export interface WebSocketEndpoint {
  /** Closes the sockets with 1001, so that clients come back elsewhere. */
  close(): Promise<void>;
}

/**
 * GraphQL over WebSocket (graphql-transport-ws) on the path of the HTTP endpoint. A connection is that of one key: it is
 * checked at `connection_init`, and revoking it closes the socket.
 */
export function serveWebSocket(server: Server, runtime: Runtime): WebSocketEndpoint {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE });
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    if (path !== GRAPHQL_PATH) return void socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
    sockets.handleUpgrade(request, socket, head, (accepted) => sockets.emit('connection', accepted, request));
  };
  server.on('upgrade', upgrade);

  const sessions = new WeakMap<WebSocket, Session>();
  const end = ({ extra: { socket } }: Connection) => {
    const session = sessions.get(socket);
    sessions.delete(socket);
    session?.stopWatchingKey();
    session?.closed.abort();
  };
  const mask = (errors: readonly unknown[]) => errors.map((error) => maskError(error, runtime.logger));
  const format = (errors: readonly unknown[]) => mask(errors).map((error) => error.toJSON());

  const documents = new Documents(schema);
  const shared = new SharedExecution(runtime, format);
  const receivers = new WeakMap<ExecutionArgs, Receiver>();
  const endpoint = useServer(
    {
      connectionInitWaitTimeout: INIT_MS,
      onConnect: async (connection) => {
        const key = keyOf(connection);
        const principal = await authenticate(runtime, key);
        const { socket } = connection.extra;
        // 4401, which clients take as final; the same for an unknown, an expired and a revoked key. Without it they
        // would try again and again.
        if (!principal) {
          socket.close(CloseCode.Unauthorized, 'A valid key is needed.');
          return false;
        }
        const stopWatchingKey = watchKey(runtime, key, principal, socket);
        sessions.set(socket, { principal, closed: new AbortController(), stopWatchingKey });
        // The socket may have gone while the key was looked up: then nobody would tell us of its end again.
        if (socket.readyState !== socket.OPEN) end(connection);
        // Revoked between the look and the watch, nobody would tell us either: so look once more.
        return (await authenticate(runtime, key)) !== null;
      },
      onDisconnect: end,
      onClose: end,
      onSubscribe: (connection, id, payload) => {
        const { socket, request } = connection.extra;
        const session = sessions.get(socket);
        if (!session) return [new GraphQLError('The connection is closed.')];
        // A parse error thrown from here would close the whole socket, so it is returned.
        const prepared = documents.prepare(payload.query);
        if ('errors' in prepared) return mask(prepared.errors);
        const args: ExecutionArgs = {
          schema,
          document: prepared.document,
          operationName: payload.operationName ?? null,
          variableValues: payload.variables ?? null,
          contextValue: createContext(runtime, {
            principal: session.principal,
            address: request.socket.remoteAddress ?? null,
            signal: session.closed.signal,
          }),
        };
        receivers.set(args, { id, text: payload.query, wire: Wire.of(socket, request.socket) });
        return args;
      },
      execute,
      subscribe: (args) => shared.subscribe(args, receivers.get(args) as Receiver) as never,
      onError: (_connection, _id, _payload, errors) => format(errors),
      onNext: (_connection, _id, _payload, _args, result) =>
        result.errors ? { data: result.data ?? null, errors: format(result.errors) } : undefined,
    },
    sockets,
    KEEP_ALIVE_MS,
  );
  return {
    close: async () => {
      server.off('upgrade', upgrade);
      const cut = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate();
      }, GOODBYE_MS);
      await endpoint.dispose();
      clearTimeout(cut);
    },
  };
}

/** `connectionParams: { authorization: "Bearer …" }`, in any case, or `"X-Tool-Key"`. */
function keyOf(connection: Connection): string {
  const params = Object.entries(connection.connectionParams ?? {});
  const value = (name: string) => params.find(([key]) => key.toLowerCase() === name)?.[1];
  const authorization = value('authorization');
  if (typeof authorization === 'string') return authorization.replace(/^Bearer +/i, '');
  const toolKey = value('x-tool-key');
  return typeof toolKey === 'string' ? toolKey : '';
}

/** Closes the socket as soon as its key no longer counts. */
function watchKey(runtime: Runtime, key: string, principal: Principal, socket: WebSocket): () => void {
  return runtime.doorbell.onRing(topics.key(principal.keyId), () => {
    authenticate(runtime, key).then(
      (still) => {
        if (!still) socket.close(CloseCode.Forbidden, 'The key was revoked.');
      },
      (error: unknown) => runtime.logger.warn({ err: error }, 'a key could not be checked again'),
    );
  });
}
