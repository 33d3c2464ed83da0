import type { Readable, Writable } from 'node:stream';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { TaskmeshClient } from '../client/client.ts';
import { createMcpServer } from './server.ts';
import { Session } from './session.ts';
import { ClientTransport } from './transport.ts';

export interface McpOptions {
  readonly client: TaskmeshClient;
  /** Whether the key is that of a task, as the environment says. */
  readonly isTask: boolean;
  readonly version: string;
  readonly maxWaitSeconds: number;
  readonly stdin: Readable;
  readonly stdout: Writable;
  /** What goes wrong outside of any call. */
  readonly onError: (error: Error) => void;
}

/** Serves the tools of the key over stdin and stdout. Resolves when the client has gone. */
export async function serveMcp(options: McpOptions): Promise<void> {
  const { client, isTask, stdin, stdout, onError, ...rest } = options;
  const session = new Session(client, isTask);
  const transport = new ClientTransport(stdin, stdout);
  const gone = new Promise<void>((resolve) => {
    for (const stream of [stdin, stdout]) stream.once('close', resolve).once('error', () => resolve());
    stdin.once('end', resolve);
  });
  // Asked at once: the client is about to ask for the tools.
  session.identity().catch((error: unknown) => session.note(error));
  const whenDelivered = transport.whenDelivered.bind(transport);
  const server = serveStdio(() => createMcpServer({ ...rest, session, whenDelivered }), {
    transport,
    onerror: onError,
  });
  await gone;
  await server.close();
}
