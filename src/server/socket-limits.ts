import { CloseCode, type SubscribePayload } from 'graphql-ws';
import type { RawData, WebSocket, WebSocketServer } from 'ws';
import type { Logger } from '../platform/logger.ts';
import { maskKeys } from '../platform/secrets.ts';
import type { Limits } from './limits.ts';
import { TokenBuckets } from './token-buckets.ts';

/** Of graphql-ws for too many `connection_init`; here for too much of anything. */
export const TOO_MUCH = 4429;

/** What only a server says. The protocol's own code would take it for a mistake of ours, and print it. */
const SERVERS_OWN = /"type"\s*:\s*"(connection_ack|next|error)"/;

/**
 * Looks at messages before the protocol's own code does: what is too much, or is none of a client, closes the socket.
 * Errors of a socket (a message that is too large, a frame that is none) are mistakes of that client as well, and no
 * news for the terminal. To be called after the protocol's code has begun to listen.
 */
export function limitMessages(sockets: WebSocketServer, limits: Limits['socket'], logger: Logger): void {
  sockets.on('connection', (socket: WebSocket) => {
    const messages = new TokenBuckets(limits.messages);
    const listeners = socket.listeners('message');
    socket.removeAllListeners('message');
    socket.on('message', (data, isBinary) => {
      if (messages.take('') > 0) socket.close(TOO_MUCH, 'Too many messages.');
      else if (isServersOwn(data)) socket.close(CloseCode.BadRequest, 'Invalid message received');
      else for (const listener of listeners) listener.call(socket, data, isBinary);
    });
    socket.removeAllListeners('error');
    socket.on('error', (error) => logger.debug({ err: error }, 'a socket failed'));
  });
}

function isServersOwn(data: RawData): boolean {
  const text = String(data);
  if (!SERVERS_OWN.test(text)) return false;
  try {
    const { type } = JSON.parse(text);
    return SERVERS_OWN.test(`"type":"${type}"`);
  } catch {
    return false;
  }
}

/** As for bodies over HTTP: a key in a message goes no further. */
export function withoutKeys(payload: SubscribePayload): SubscribePayload {
  const text = JSON.stringify(payload);
  const masked = maskKeys(text);
  return masked === text ? payload : (JSON.parse(masked) as SubscribePayload);
}
