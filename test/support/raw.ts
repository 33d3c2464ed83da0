import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import WebSocket from 'ws';
import { eventually } from './api.ts';

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** `extensions.code` of the first error; undefined when there is none. */
  readonly code: string | undefined;
}

export interface RawRequest {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

/** An HTTP request exactly as given: what `fetch` would refuse to send, or add, is up to the test. */
export async function send(
  url: string,
  { method = 'POST', headers = {}, body }: RawRequest = {},
): Promise<RawAnswer> {
  const outgoing = request(url, { method, headers, agent: false });
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  // Answered before all of it was sent: the rest of it fails.
  outgoing.on('error', () => undefined);
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return { status: response.statusCode ?? 0, headers: response.headers, text, code: codeOf(text) };
}

/** The same with a GraphQL document in a body of JSON. */
export function sendQuery(
  url: string,
  query: string,
  headers: Record<string, string> = {},
  variables: object = {},
): Promise<RawAnswer> {
  const body = JSON.stringify({ query, variables });
  return send(url, { headers: { 'content-type': 'application/json', ...headers }, body });
}

function codeOf(text: string): string | undefined {
  try {
    return JSON.parse(text).errors?.[0]?.extensions?.code;
  } catch {
    return undefined;
  }
}

/** A socket that speaks the protocol by hand, and what came over it. */
export function rawSocket(
  url: string,
  {
    protocol = 'graphql-transport-ws',
    headers = {},
  }: { protocol?: string | string[]; headers?: object } = {},
) {
  const socket = new WebSocket(url.replace('http', 'ws'), protocol, { headers: headers as never });
  const messages: { type: string; id?: string; payload?: unknown }[] = [];
  socket.on('message', (data) => messages.push(JSON.parse(String(data))));
  socket.on('error', () => undefined);
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  /** The status of the answer that came instead of an upgrade. */
  const refused = new Promise<number>((resolve) => {
    socket.on('unexpected-response', (_request, response) => {
      response.resume();
      socket.terminate();
      resolve(response.statusCode ?? 0);
    });
  });
  const opened = new Promise<void>((resolve) => socket.on('open', () => resolve()));
  const send = (message: unknown) =>
    socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  const type = (name: string) => eventually(() => messages.find((message) => message.type === name));
  const introduce = async (key: string | null) => {
    await opened;
    send({ type: 'connection_init', payload: key === null ? {} : { authorization: `Bearer ${key}` } });
    await type('connection_ack');
  };
  return { socket, messages, opened, closed, refused, send, type, introduce };
}
