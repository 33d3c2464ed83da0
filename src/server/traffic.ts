import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** How long requests that are being answered may go on once the server is told to stop. Milliseconds. */
const DRAIN_MS = 5_000;

const STOPPING = JSON.stringify({
  errors: [
    {
      message: 'The server is stopping. Call again: another one answers, or this one when it is back.',
      extensions: { code: 'SHUTTING_DOWN' },
    },
  ],
});

/**
 * The requests of an instance. From when it is told to stop, what is being answered is answered to its end, each
 * connection closes behind its answer, and what still comes is refused: nothing of that was done, so it may be sent again
 * elsewhere. Without the refusal a client that never pauses would keep its connection, and the server, to the last moment.
 */
export class Traffic {
  readonly #answering = new Set<ServerResponse>();
  readonly #streams = new Set<ServerResponse>();
  #isStopping = false;

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** @returns false when the request was refused */
  admit(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.#isStopping) {
      response.writeHead(503, {
        'content-type': 'application/json',
        'retry-after': '1',
        connection: 'close',
      });
      response.end(STOPPING);
      return false;
    }
    const isStream = request.headers.accept?.includes('text/event-stream') ?? false;
    const among = isStream ? this.#streams : this.#answering;
    among.add(response);
    response.once('close', () => among.delete(response));
    return true;
  }

  beginStopping(): void {
    this.#isStopping = true;
    // Cut, not ended: an SSE client takes an end for the end of the subscription, and a cut for a reason to come back.
    for (const stream of this.#streams) stream.destroy();
    for (const response of this.#answering)
      if (!response.headersSent) response.setHeader('connection', 'close');
  }

  /** Takes no new connections. Resolves when what is under way was answered, or has had its time. */
  async drain(http: Server): Promise<void> {
    const closed = new Promise<void>((resolve) => http.close(() => resolve()));
    http.closeIdleConnections();
    const cut = setTimeout(() => http.closeAllConnections(), DRAIN_MS);
    await closed;
    clearTimeout(cut);
  }
}
