import { performance } from 'node:perf_hooks';
import WebSocket from 'ws';
import type { Answer, Api } from '../../test/support/api.ts';
import { onEnd } from '../../test/support/cleanup.ts';

/** A subscriber of which there may be a thousand: the bare protocol on a socket, and nothing kept but what is asked for. */
export class RawSubscriber {
  /** Why it ended, when it was refused or cut; null while it runs. */
  ended: string | null = null;
  isSubscribed = false;
  readonly socket: WebSocket;

  constructor(
    { url, key }: Pick<Api, 'url' | 'key'>,
    query: string,
    variables: object,
    onEvent: (event: Answer, at: number) => void,
  ) {
    this.socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws');
    const send = (message: object) => this.socket.send(JSON.stringify(message));
    this.socket.on('open', () =>
      send({ type: 'connection_init', payload: { authorization: `Bearer ${key}` } }),
    );
    this.socket.on('message', (data) => {
      const at = performance.now();
      const { type, payload } = JSON.parse(String(data));
      if (type === 'connection_ack') {
        send({ id: '1', type: 'subscribe', payload: { query, variables } });
        this.isSubscribed = true;
      } else if (type === 'ping') send({ type: 'pong' });
      else if (type === 'error' || payload?.errors) this.ended ??= JSON.stringify(payload);
      else if (type === 'next') onEvent(Object.values(payload.data)[0], at);
    });
    this.socket.on('error', (error) => {
      this.ended ??= error.message;
    });
    this.socket.on('close', (code) => {
      this.ended ??= `closed with ${code}`;
    });
    onEnd(() => this.socket.terminate());
  }

  cut(): void {
    this.socket.terminate();
  }
}
