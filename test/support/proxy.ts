import { connect, createServer, type Socket } from 'node:net';

/** A TCP connection in between that the test can cut, or let fall silent. */
export class CuttingProxy {
  readonly url: string;
  readonly #sockets: Set<Socket>;
  readonly #stop: () => Promise<void>;

  private constructor(url: string, sockets: Set<Socket>, stop: () => Promise<void>) {
    this.url = url;
    this.#sockets = sockets;
    this.#stop = stop;
  }

  /** In front of a server's endpoint. */
  static async open(endpoint: string): Promise<CuttingProxy> {
    const target = new URL(endpoint);
    const sockets = new Set<Socket>();
    const server = createServer((near) => {
      const far = connect(Number(target.port), target.hostname);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(from);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    const address = server.address();
    const url = new URL(target);
    url.port = String(typeof address === 'object' && address ? address.port : 0);
    const stop = () => new Promise<void>((resolve) => server.close(() => resolve()));
    return new CuttingProxy(url.href, sockets, stop);
  }

  /** Cuts what is connected now. @returns whether anything was */
  cut(): boolean {
    const connected = this.#sockets.size > 0;
    for (const socket of [...this.#sockets]) socket.resetAndDestroy();
    return connected;
  }

  /** From now on nothing passes on what is connected now, and its ends are not told. */
  fallSilent(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  async close(): Promise<void> {
    this.cut();
    await this.#stop();
  }
}
