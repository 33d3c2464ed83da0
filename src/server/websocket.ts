import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ExecutionArgs, execute, GraphQLError } from 'graphql';
import { CloseCode, type ConnectionInitMessage, type Context as SocketContext } from 'graphql-ws';
import { type Extra, useServer } from 'graphql-ws/use/ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { createContext } from '../graphql/context.ts';
import type { Runtime } from '../platform/runtime.ts';
import { watchCredential } from './credential-watch.ts';
import type { Documents } from './documents.ts';
import type { Door, Entry } from './door.ts';
import { refusalError, refusalText } from './refusals.ts';
import { schema } from './schema.ts';
import { type Receiver, SharedExecution } from './shared-execution.ts';
import { limitMessages, TOO_MUCH, withoutKeys } from './socket-limits.ts';
import { Wire } from './wire.ts';
import { GRAPHQL_PATH } from './yoga.ts';

/** How often an idle connection is probed. Milliseconds. */
const KEEP_ALIVE_MS = 12_000;
/** How long a client has to answer the goodbye of a server that stops: one that vanished never does. Milliseconds. */
const GOODBYE_MS = 2_000;

type Connection = SocketContext<ConnectionInitMessage['payload'], Extra>;

interface Session {
  readonly entry: Entry;
  /** Ends with the socket: whoever waits for this client stops. */
  readonly closed: AbortController;
  readonly stopWatchingKey: () => void;
  /** By the client's id of each operation under way: how to give its place back. */
  readonly operations: Map<string, () => void>;
}

export interface WebSocketEndpoint {
  /** Closes the sockets with 1001, so that clients come back elsewhere. */
  close(): Promise<void>;
}

export interface WebSocketOptions {
  readonly door: Door;
  readonly documents: Documents;
  /** What a caller is told of an error. */
  readonly mask: (error: unknown) => GraphQLError;
}

/**
 * GraphQL over WebSocket (graphql-transport-ws) on the path of the HTTP endpoint. A connection is that of one key: it is
 * checked at `connection_init`, and revoking it closes the socket.
 */
export function serveWebSocket(
  server: Server,
  runtime: Runtime,
  { door, documents, mask: maskOne }: WebSocketOptions,
): WebSocketEndpoint {
  const { limits } = door;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: limits.socket.messageBytes });
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const turnAway = (text: string) => {
      socket.on('error', () => undefined);
      socket.end(text);
    };
    // Not by `new URL`, which throws at what is none.
    if (request.url?.split('?')[0] !== GRAPHQL_PATH)
      return turnAway('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
    const refusal = door.refuseUpgrade(request);
    if (refusal) return turnAway(refusalText(refusal));
    sockets.handleUpgrade(request, socket, head, (accepted) => sockets.emit('connection', accepted, request));
  };
  server.on('upgrade', upgrade);

  const sessions = new WeakMap<WebSocket, Session>();
  const end = ({ extra: { socket } }: Connection) => {
    const session = sessions.get(socket);
    sessions.delete(socket);
    session?.stopWatchingKey();
    session?.closed.abort();
    session?.entry.leave();
    for (const giveBack of session?.operations.values() ?? []) giveBack();
  };
  const ended = ({ extra: { socket } }: Connection, id: string) => {
    const operations = sessions.get(socket)?.operations;
    operations?.get(id)?.();
    operations?.delete(id);
  };
  const mask = (errors: readonly unknown[]) => errors.map(maskOne);
  const format = (errors: readonly unknown[]) => mask(errors).map((error) => error.toJSON());

  const shared = new SharedExecution(runtime, format);
  const receivers = new WeakMap<ExecutionArgs, Receiver>();
  const endpoint = useServer(
    {
      connectionInitWaitTimeout: limits.socket.initMs,
      onConnect: async (connection) => {
        const { socket, request } = connection.extra;
        const key = keyOf(connection);
        const entry = await door.enter(request, key).catch((error: unknown) => {
          runtime.logger.warn({ err: error }, 'a key could not be looked up');
          return null;
        });
        // The database is away, say. Clients take this for a reason to come back.
        if (!entry) return close(socket, CloseCode.InternalServerError, 'The key cannot be looked up now.');
        // 4401, which clients take as final; the same for an unknown, an expired and a revoked key. Without it they
        // would try again and again.
        if (typeof entry === 'string') return close(socket, CloseCode.Unauthorized, entry);
        if ('code' in entry) return close(socket, TOO_MUCH, entry.message);
        const stopWatchingKey = watchCredential(runtime, key, entry.authenticated, (why) =>
          socket.close(CloseCode.Forbidden, why),
        );
        sessions.set(socket, {
          entry,
          closed: new AbortController(),
          stopWatchingKey,
          operations: new Map(),
        });
        // The socket may have gone while the key was looked up: then nobody would tell us of its end again.
        if (socket.readyState !== socket.OPEN) end(connection);
        return true;
      },
      onDisconnect: end,
      onClose: end,
      onSubscribe: (connection, id, given) => {
        const { socket, request } = connection.extra;
        const session = sessions.get(socket);
        if (!session) return [new GraphQLError('The connection is closed.')];
        const payload = withoutKeys(given);
        // A parse error thrown from here would close the whole socket, so it is returned.
        const prepared = documents.prepare(payload.query);
        if ('errors' in prepared) return mask(prepared.errors);
        const { document } = prepared;
        const operationName = payload.operationName ?? null;
        const variableValues = payload.variables ?? null;
        try {
          documents.checkCost(document, operationName, variableValues);
        } catch (error) {
          return mask([error]);
        }
        const place = session.entry.begin();
        if (typeof place !== 'function') return [refusalError(place)];
        session.operations.set(id, place);
        const args: ExecutionArgs = {
          schema,
          document,
          operationName,
          variableValues,
          contextValue: createContext(runtime, {
            principal: session.entry.authenticated.principal,
            address: door.addressOf(request),
            signal: session.closed.signal,
          }),
        };
        receivers.set(args, { id, text: payload.query, wire: Wire.of(socket, request.socket) });
        return args;
      },
      execute,
      subscribe: (args) => shared.subscribe(args, receivers.get(args) as Receiver) as never,
      onComplete: ended,
      onError: (connection, id, _payload, errors) => {
        ended(connection, id);
        return format(errors);
      },
      onNext: (_connection, _id, _payload, _args, result) =>
        result.errors ? { data: result.data ?? null, errors: format(result.errors) } : undefined,
    },
    sockets,
    KEEP_ALIVE_MS,
  );
  limitMessages(sockets, limits.socket, runtime.logger);
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

/** graphql-ws would close with a code of its own after `false`; the first one counts. */
function close(socket: WebSocket, code: number, reason: string): false {
  // A reason has at most 123 bytes.
  socket.close(
    code,
    Buffer.from(reason)
      .subarray(0, 120)
      .toString('utf8')
      .replace(/\uFFFD$/, ''),
  );
  return false;
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
