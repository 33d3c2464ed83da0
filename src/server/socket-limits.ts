import type { SubscribePayload } from 'graphql-ws';
import type { WebSocket, WebSocketServer } from 'ws';
import type { Logger } from '../platform/logger.ts';
import { maskKeys } from '../platform/secrets.ts';
import type { Limits } from './limits.ts';
import { TokenBuckets } from './token-buckets.ts';

/** Of graphql-ws for too many `connection_init`; here for too much of anything. */
export const TOO_MUCH = 4429;

/**
 * Closes a socket on which more messages come than anybody who works needs, and takes errors of a socket (a message that
 * is too large, a frame that is none) for what they are: mistakes of that client, which are no news for the terminal.
 */
export function limitMessages(sockets: WebSocketServer, limits: Limits['socket'], logger: Logger): void {
  sockets.on('connection', (socket: WebSocket) => {
    const messages = new TokenBuckets(limits.messages);
    // Before the protocol's own: what is too much is not looked at.
    socket.prependListener('message', () => {
      if (messages.take('') > 0) socket.close(TOO_MUCH, 'Too many messages.');
    });
    socket.removeAllListeners('error');
    socket.on('error', (error) => logger.debug({ err: error }, 'a socket failed'));
  });
}

/** As for bodies over HTTP: a key in a message goes no further. */
export function withoutKeys(payload: SubscribePayload): SubscribePayload {
  const text = JSON.stringify(payload);
  const masked = maskKeys(text);
  return masked === text ? payload : (JSON.parse(masked) as SubscribePayload);
}
