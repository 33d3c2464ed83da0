import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import { now, serveCalls } from '../harness/serve-calls.ts';

/**
 * The limit of any fan-out over `ws`: the same bytes to all, ready-made as a Buffer (its recommended way), no compression.
 * One event at a time, or in bursts with the socket corked.
 */
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
await once(server, 'listening');
const sockets = new Map<import('ws').WebSocket, Socket>();
server.on('connection', (socket, request) => {
  sockets.set(socket, request.socket);
  socket.on('close', () => sockets.delete(socket));
});

serveCalls(
  {
    where: () => ({ url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` }),
    broadcast: async ({ text, events, burst }: { text: string; events: number; burst: number }) => {
      const data = Buffer.from(text);
      const at = now();
      for (let sent = 0; sent < events; sent += burst) {
        for (const [socket, raw] of sockets) {
          if (burst > 1) raw.cork();
          for (let index = 0; index < burst; index += 1) socket.send(data, { binary: false });
          if (burst > 1) raw.uncork();
        }
        await turn();
      }
      return at;
    },
  },
  () => server.close(),
);
