import { connect, createServer, type Server, type Socket } from 'node:net';

/** A connection through the proxy, as its two ends. */
export interface Link {
  readonly number: number;
  readonly near: Socket;
  readonly far: Socket;
  /** The first bytes that came from the client: what kind of connection it is. */
  opening: string;
  /** Nothing passes any more, and neither end is told. */
  isDead: boolean;
  /** When each end gave it up by itself. Milliseconds of `performance.now()`. */
  nearClosedAt: number | null;
  farClosedAt: number | null;
}

/** Whether it carries subscriptions, and not requests. */
export function isSocket(link: Link): boolean {
  return /upgrade: websocket/i.test(link.opening);
}

export type Passing = 'pass' | 'cut' | 'swallow';

/**
 * A TCP connection in between that cuts, delays and blackholes. `onRequest` and `onReply` see what passes and decide
 * about it: `cut` drops it and resets both ends, `swallow` drops it and leaves both ends waiting.
 */
export class FaultyProxy {
  readonly url: string;
  readonly port: number;
  readonly links = new Set<Link>();
  onRequest: (bytes: Buffer, link: Link) => Passing = () => 'pass';
  onReply: (bytes: Buffer, link: Link) => Passing = () => 'pass';
  delayMs = 0;
  /** What connects from now on is taken, and then nothing passes. */
  isBlackhole = false;
  /** What connects from now on is reset. */
  isClosed = false;
  #target: URL;
  readonly #server: Server;
  #count = 0;

  private constructor(target: URL, server: Server, url: URL) {
    this.#target = target;
    this.#server = server;
    this.url = url.href;
    this.port = Number(url.port);
    server.on('connection', (near) => this.#accept(near));
  }

  static async open(target: string): Promise<FaultyProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    const address = server.address();
    const url = new URL(target);
    url.hostname = '127.0.0.1';
    url.port = String(typeof address === 'object' && address ? address.port : 0);
    return new FaultyProxy(new URL(target), server, url);
  }

  /** Where new connections go from now on. */
  retarget(target: string): void {
    this.#target = new URL(target);
  }

  #accept(near: Socket): void {
    if (this.isClosed) return void near.resetAndDestroy();
    const far = connect(Number(this.#target.port), this.#target.hostname);
    for (const socket of [near, far]) socket.setNoDelay(true);
    const link: Link = {
      number: ++this.#count,
      near,
      far,
      opening: '',
      isDead: this.isBlackhole,
      nearClosedAt: null,
      farClosedAt: null,
    };
    this.links.add(link);
    near.on('data', (bytes: Buffer) => {
      if (link.opening.length < 4_000) link.opening += bytes.toString('latin1', 0, 4_000);
      this.#pass(link, bytes, far, this.onRequest);
    });
    far.on('data', (bytes: Buffer) => this.#pass(link, bytes, near, this.onReply));
    near.on('close', () => {
      link.nearClosedAt ??= performance.now();
      this.#closed(link, far);
    });
    far.on('close', () => {
      link.farClosedAt ??= performance.now();
      this.#closed(link, near);
    });
    for (const socket of [near, far]) socket.on('error', () => undefined);
  }

  #pass(link: Link, bytes: Buffer, to: Socket, decide: (bytes: Buffer, link: Link) => Passing): void {
    if (link.isDead) return;
    const passing = decide(bytes, link);
    // It may have cut the link itself.
    if (link.isDead || passing === 'swallow') return;
    if (passing === 'cut') this.#cut(link);
    else if (this.delayMs === 0) to.write(bytes);
    else setTimeout(() => link.isDead || to.write(bytes), this.delayMs);
  }

  #closed(link: Link, other: Socket): void {
    if (link.nearClosedAt !== null && link.farClosedAt !== null) this.links.delete(link);
    if (link.isDead) return;
    // A server that was killed resets its connections; one that ends in order has sent all it had.
    other.end();
    other.destroySoon();
  }

  #cut(link: Link): void {
    link.near.resetAndDestroy();
    link.far.resetAndDestroy();
  }

  /** Resets what is connected now. @returns how many connections that were */
  cut(which: (link: Link) => boolean = () => true): number {
    const cut = [...this.links].filter(which);
    for (const link of cut) this.#cut(link);
    return cut.length;
  }

  /** From now on nothing passes on what is connected now, in either direction; its ends are not told. */
  blackhole(which: (link: Link) => boolean = () => true): Link[] {
    const dead = [...this.links].filter(which);
    for (const link of dead) link.isDead = true;
    return dead;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
