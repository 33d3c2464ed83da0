import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Call {
  readonly operation: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a test expects is what it reads
  readonly variables: any;
  readonly authorization: string | undefined;
}

/** What an operation answers: data, `refuse(code)`, `CUT` to hang up without an answer, `SILENT` to never answer. */
export type Answer = Record<string, unknown> | typeof CUT | typeof SILENT;
export const CUT = Symbol('the connection is cut');
export const SILENT = Symbol('no answer ever comes');

export function refuse(code: string, message = `refused with ${code}`, field?: string): Answer {
  return { errors: [{ message, extensions: { code, field } }] };
}

/** An HTTP server that answers GraphQL operations by name, each with its next answer; the last one stays. */
export class FakeApi {
  readonly calls: Call[] = [];
  readonly #answers: Record<string, Answer[]>;
  readonly #server = createServer((request, response) => void this.#respond(request, response));

  constructor(answers: Record<string, Answer | Answer[]>) {
    this.#answers = Object.fromEntries(
      Object.entries(answers).map(([name, answer]) => [name, Array.isArray(answer) ? [...answer] : [answer]]),
    );
  }

  static async start(answers: Record<string, Answer | Answer[]>): Promise<FakeApi> {
    const api = new FakeApi(answers);
    await new Promise<void>((resolve) => api.#server.listen(0, '127.0.0.1', resolve));
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/graphql`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { query, variables } = JSON.parse(Buffer.concat(chunks).toString()) as {
      query: string;
      variables: unknown;
    };
    const operation = /(?:query|mutation) (\w+)/.exec(query)?.[1] ?? '';
    this.calls.push({ operation, variables, authorization: request.headers.authorization });
    const answers = this.#answers[operation] ?? [
      refuse('INTERNAL_SERVER_ERROR', `no answer to ${operation} is prepared`),
    ];
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer === SILENT) return;
    if (answer === CUT || !answer) return void request.socket.destroy();
    const body = 'errors' in answer ? answer : { data: answer };
    response.setHeader('content-type', 'application/graphql-response+json').end(JSON.stringify(body));
  }
}
