import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSchema, type GraphQLObjectType, graphql } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';

export interface LogEntry {
  readonly __typename: string;
  readonly [field: string]: unknown;
}

/**
 * The committed schema over HTTP and WebSocket, with one contract whose log is `entries` (sequences 1, 2, 3 …), to
 * which a test adds; sockets can be cut.
 */
export class FakeLog {
  readonly entries: LogEntry[] = [];
  readonly cursors: (number | null)[] = [];
  /** Where each page that was asked for began. */
  readonly pages: number[] = [];
  task = { id: 'task_a', name: 'build', role: 'WORK', status: 'RUNNING' };
  contractStatus = 'ACTIVE';
  readonly #waiting = new Set<() => void>();
  readonly #http = createServer();
  readonly #sockets = new WebSocketServer({ server: this.#http, path: '/graphql' });

  static async start(): Promise<FakeLog> {
    const log = new FakeLog();
    const schema = buildSchema(readFileSync(new URL('../../../schema.graphql', import.meta.url), 'utf8'));
    const subscription = schema.getType('Subscription') as GraphQLObjectType;
    const field = subscription.getFields().contractEvents;
    if (!field) throw new Error('contractEvents is not in the schema');
    field.subscribe = (_source, { afterSequence }: { afterSequence?: number }) => log.#read(afterSequence);
    useServer({ schema }, log.#sockets);
    log.#http.on('request', async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const { query, variables } = JSON.parse(body);
      const result = await graphql({
        schema,
        source: query,
        variableValues: variables,
        rootValue: log.#queries(),
      });
      response.setHeader('content-type', 'application/json').end(JSON.stringify(result));
    });
    await new Promise<void>((resolve) => log.#http.listen(0, '127.0.0.1', resolve));
    return log;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/graphql`;
  }

  output(content: string, task = this.task): void {
    this.add({
      __typename: 'OutputEntry',
      task,
      attempt: 1,
      type: 'STDOUT',
      content,
      isError: false,
      isPartial: false,
    });
  }

  completed(task = this.task): void {
    task.status = 'DONE';
    this.add({ __typename: 'TaskCompletedEvent', task, status: 'DONE' });
  }

  add(entry: LogEntry): void {
    this.entries.push({ sequence: this.entries.length + 1, occurredAt: '2026-01-01T00:00:00Z', ...entry });
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** As a proxy or a network does: the sockets end without a word. */
  cut(): void {
    for (const socket of this.#sockets.clients) socket.terminate();
  }

  async subscribed(times: number): Promise<void> {
    while (this.cursors.length < times) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#sockets.close();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  async *#read(afterSequence: number | undefined) {
    this.cursors.push(afterSequence ?? null);
    for (let at = afterSequence ?? this.entries.length; ; ) {
      if (at < this.entries.length) yield { contractEvents: this.entries[at++] };
      else await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #page({ taskId, first, after }: { taskId: string; first: number; after: string | null }) {
    this.pages.push(Number(after));
    const left = this.entries.filter(
      ({ __typename, task, sequence }) =>
        __typename === 'OutputEntry' &&
        (task as { id: string }).id === taskId &&
        (sequence as number) > Number(after),
    );
    const nodes = left.slice(0, first);
    const endCursor = nodes.length > 0 ? String(nodes.at(-1)?.sequence) : null;
    return { nodes, pageInfo: { hasNextPage: left.length > first, endCursor } };
  }

  #queries() {
    const contract = {
      id: 'contract_x',
      name: 'Work',
      status: this.contractStatus,
      phase: 'EXECUTE',
      agent: 'shell',
      costUsd: 0,
      tokens: 0,
      createdAt: '',
      lastSequence: this.entries.length,
    };
    const node = {
      depth: 0,
      task: {
        ...this.task,
        depth: 0,
        agent: 'shell',
        attempt: 1,
        priority: 0,
        costUsd: 0,
        tokens: 0,
        contract,
      },
    };
    return {
      task: () => ({ ...this.task, contract }),
      taskOutput: (page: { taskId: string; first: number; after: string | null }) => this.#page(page),
      contractTree: () => ({ contract, nodes: [node], counts: [], total: 1 }),
    };
  }
}
