import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Runtime } from '../platform/runtime.ts';

/**
 * `GET /health/live`: the process answers. `GET /health/ready`: it can do its work; 503 while it stops or its database
 * is away.
 * @returns whether the request was one of these
 */
export function answerHealth(
  runtime: Runtime,
  traffic: { readonly isStopping: boolean },
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const path = request.url?.split('?')[0];
  if (path === '/health/live') {
    send(response, 200, 'live');
    return true;
  }
  if (path !== '/health/ready') return false;
  if (traffic.isStopping) {
    send(response, 503, 'stopping');
    return true;
  }
  runtime.db
    .fork()
    .execute('select 1')
    .then(
      () => send(response, 200, 'ready'),
      () => send(response, 503, 'no database'),
    );
  return true;
}

function send(response: ServerResponse, status: number, state: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ status: state }));
}
