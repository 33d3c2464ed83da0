import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '../platform/logger.ts';

/** How long a client may leave what was sent to it unread before it is cut off. It comes back with its cursor. Milliseconds. */
const STALL_MS = 10_000;
/** Looks within that time. They are counted, not timed: a server that was itself held up must not take it for its clients' fault. */
const LOOKS = 10;

interface Progress {
  /** Bytes that were handed to the network so far. */
  written: number;
  /** How many looks in a row have found bytes waiting and none gone. */
  stuck: number;
}

/**
 * Cuts connections whose client has stopped reading: bytes wait for it, and none has left for a while. A connection is
 * looked at whatever it carries, so WebSockets, SSE and plain answers are all covered, and a client that reads slowly but
 * reads is left alone.
 * @param stallMs how long; tests pass less
 * @returns how to stop
 */
export function cutSlowClients(server: Server, logger: Logger, stallMs = STALL_MS): () => void {
  const connections = new Map<Socket, Progress>();
  const connected = (socket: Socket) => {
    connections.set(socket, { written: 0, stuck: 0 });
    socket.once('close', () => connections.delete(socket));
  };
  server.on('connection', connected);
  const sweep = setInterval(() => {
    for (const [socket, progress] of connections) {
      const waiting = socket.writableLength;
      const written = socket.bytesWritten - waiting;
      progress.stuck = waiting > 0 && written === progress.written ? progress.stuck + 1 : 0;
      progress.written = written;
      if (progress.stuck >= LOOKS) {
        logger.info({ address: socket.remoteAddress, waiting }, 'a client that does not read was cut off');
        connections.delete(socket);
        // Not ended in order: a goodbye would wait behind what is not read.
        socket.destroy();
      }
    }
  }, stallMs / LOOKS);
  sweep.unref();
  return () => {
    clearInterval(sweep);
    server.off('connection', connected);
  };
}
