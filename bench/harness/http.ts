import { Agent, request } from 'node:http';

// biome-ignore lint/suspicious/noExplicitAny: a benchmark asks for fields by name; a missing one fails it
export type Answer = any;

/** A GraphQL client over HTTP that costs little beside what it measures: node:http with connections kept open. */
export class Caller {
  readonly url: string;
  readonly key: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(url: string, key: string) {
    this.url = url;
    this.key = key;
  }

  /** The same server with another key. */
  as(key: string): Caller {
    return new Caller(this.url, key);
  }

  ask(query: string, variables: object = {}): Promise<Answer> {
    const body = Buffer.from(JSON.stringify({ query, variables }));
    return new Promise((resolve, reject) => {
      const call = request(
        this.url,
        {
          method: 'POST',
          agent: this.#agent,
          headers: {
            'content-type': 'application/json',
            'content-length': body.length,
            authorization: `Bearer ${this.key}`,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            const answer = JSON.parse(text) as { data?: Answer; errors?: unknown };
            if (answer.errors || !answer.data)
              reject(new Error(`refused: ${query}\n${text.slice(0, 2_000)}`));
            else resolve(answer.data);
          });
        },
      );
      call.on('error', reject);
      call.end(body);
    });
  }

  /** Runs a mutation with one input. @returns its payload */
  async mutate(name: string, input: object, selection: string): Promise<Answer> {
    const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
    const data = await this.ask(`mutation($input: ${type}!) { ${name}(input: $input) { ${selection} } }`, {
      input,
    });
    return data[name];
  }

  close(): void {
    this.#agent.destroy();
  }
}
