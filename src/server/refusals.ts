import type { ServerResponse } from 'node:http';
import { GraphQLError } from 'graphql';
import { DomainError, type ErrorCode } from '../platform/errors.ts';

/** Why a request goes no further than the door. */
export interface Refusal {
  readonly status: number;
  readonly code: ErrorCode;
  readonly message: string;
  /** Seconds after which to come again. */
  readonly retryAfter?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a request with a refusal, in the form of a GraphQL error. */
export function refuse(response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent || response.destroyed) return;
  const { retryAfter } = refusal;
  const extensions = { code: refusal.code, ...(retryAfter === undefined ? {} : { retryAfter }) };
  const body = JSON.stringify({ errors: [{ message: refusal.message, extensions }] });
  response.writeHead(refusal.status, {
    'content-type': 'application/json; charset=utf-8',
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    ...refusal.headers,
  });
  response.end(body);
}

/** Answers a request that failed before the API had it. */
export function refuseFailed(response: ServerResponse, { message, extensions }: GraphQLError): void {
  const isPassing = extensions.code === 'UNAVAILABLE';
  const body = JSON.stringify({ errors: [{ message, extensions }] });
  response.writeHead(isPassing ? 503 : 500, {
    'content-type': 'application/json; charset=utf-8',
    ...(isPassing ? { 'retry-after': '1' } : {}),
    // Its body may not have been read.
    connection: 'close',
  });
  response.end(body);
}

/** The same as `refuse` for a WebSocket that is not opened. */
export function refusalText({ status, message, retryAfter }: Refusal): string {
  const lines = [
    `HTTP/1.1 ${status} Refused`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(message)}`,
    ...(retryAfter === undefined ? [] : [`Retry-After: ${retryAfter}`]),
  ];
  return `${lines.join('\r\n')}\r\n\r\n${message}`;
}

/** The same for one operation over a WebSocket, which goes on. */
export function refusalError({ code, message, retryAfter }: Refusal): GraphQLError {
  const extensions = retryAfter === undefined ? {} : { retryAfter };
  return new GraphQLError(message, { originalError: new DomainError(code, message, { extensions }) });
}

export const FOREIGN_ORIGIN: Refusal = {
  status: 403,
  code: 'FORBIDDEN',
  message:
    'Web pages of this origin may not call. If they should, name the origin in TASKMESH_ALLOWED_ORIGINS of the server.',
};

export function rateLimited(retryAfter: number, what: string): Refusal {
  return {
    status: 429,
    code: 'RATE_LIMITED',
    message: `Too many ${what}. Come again in ${retryAfter} s.`,
    retryAfter,
  };
}
