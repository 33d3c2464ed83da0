import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that the system gives to outgoing connections: else a client may connect to itself while nobody listens. */
const FIRST = 15_000;
const COUNT = 15_000;

/** A port that nobody listens on, and that stays free while a server is away for a moment. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    const server = createServer();
    try {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      return port;
    } catch {
      // Taken: another one.
    } finally {
      server.close();
    }
  }
}
