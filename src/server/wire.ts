import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';

/** Bytes that may wait for a client before its subscriptions go back to reading storage at its own pace. */
const MAX_BUFFERED = 1_024 * 1_024;

/** Bytes beyond which a subscription that catches up waits: enough to keep the network busy. */
const AHEAD = 256 * 1_024;

const wires = new WeakMap<WebSocket, Wire>();

/** The sending side of one WebSocket, for what graphql-ws does not send itself. */
export class Wire {
  readonly #socket: WebSocket;
  readonly #raw: Socket;
  readonly #waiting = new Set<() => void>();

  private constructor(socket: WebSocket, raw: Socket) {
    this.#socket = socket;
    this.#raw = raw;
    const wake = () => {
      for (const resolve of this.#waiting) resolve();
      this.#waiting.clear();
    };
    raw.on('drain', wake);
    raw.once('close', wake);
  }

  /** @param raw the connection under it */
  static of(socket: WebSocket, raw: Socket): Wire {
    const wire = wires.get(socket) ?? new Wire(socket, raw);
    wires.set(socket, wire);
    return wire;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  get isCongested(): boolean {
    return this.#socket.bufferedAmount > MAX_BUFFERED;
  }

  /**
   * Sends whole messages that are framed already. Between two messages of `ws` they may stand anywhere, since it writes
   * each of its own at once: it compresses none.
   * @returns whether the network has taken all of it, so that the memory may be written over
   */
  write(frames: Buffer): boolean {
    if (!this.isOpen) return true;
    this.#raw.write(frames);
    return this.#raw.writableLength === 0;
  }

  /** Waits while much is on its way to the client: until all of it was handed to the network, or the socket has closed. */
  drained(): Promise<void> {
    if (!this.isOpen || this.#raw.writableLength < AHEAD) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add(resolve));
  }
}
