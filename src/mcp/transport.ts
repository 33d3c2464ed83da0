import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';

type RequestId = string | number;

/** Stdin and stdout, and the knowledge of which results are with the client. */
export class ClientTransport extends StdioServerTransport {
  readonly #waiting = new Map<RequestId, () => void>();
  #isBroken = false;

  /** Has something done once the result of a request was written, and the reader was still there. */
  whenDelivered(requestId: RequestId, then: () => void): void {
    this.#waiting.set(requestId, then);
  }

  override async send(message: JSONRPCMessage): Promise<void> {
    await super.send(message);
    if (!('id' in message) || 'method' in message || message.id === undefined) return;
    const then = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (!then) return;
    // That nobody reads any more shows a moment after the writing.
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.#isBroken) then();
  }

  override async close(): Promise<void> {
    this.#isBroken = true;
    await super.close();
  }
}
