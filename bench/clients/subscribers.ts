import WebSocket from 'ws';
import { childOptions, memoryNow, now, serveCalls } from '../harness/serve-calls.ts';
import { percentile } from '../harness/statistics.ts';

/**
 * A crowd of subscribers in a process of its own. They are the same for every server that is compared, and do no more
 * than count, so that the server is what limits the speed.
 */
const { url, key } = childOptions<{ url: string; key: string | null }>();
const SUBPROTOCOL = 'graphql-transport-ws';
/** How many connect at once. */
const STEP = 50;

interface Operation {
  readonly count: number;
  /** Without it they only connect: a server that speaks no GraphQL. */
  readonly query: string | null;
  readonly variables: object;
}

interface Expectation {
  readonly total: number;
  readonly latencies: number[] | null;
  done(): void;
}

const sockets: WebSocket[] = [];
let received = 0;
let first = 0;
let last = 0;
let failure: string | undefined;
let expectation: Expectation | undefined;
let whole: Promise<void> = Promise.resolve();

function count(data: Buffer): void {
  if (received === 0) first = now();
  received += 1;
  if (received === 1 || data.length < 80) check(data);
  if (expectation?.latencies) {
    const sent = /~(\d+\.\d+)~/.exec(String(data))?.[1];
    if (sent) expectation.latencies.push(now() - Number(sent));
  }
  if (expectation && received >= expectation.total) {
    last = now();
    expectation.done();
  }
}

/** That it is an event and no error is looked at now and then: always would be measuring JSON.parse. */
function check(data: Buffer): void {
  if (key === null) return;
  const { type, payload } = JSON.parse(String(data)) as { type: string; payload?: { errors?: unknown } };
  if (type !== 'next' || payload?.errors) failure = String(data);
}

function connect({ query, variables }: Operation, index: number): Promise<void> {
  const socket = new WebSocket(url, query === null ? [] : SUBPROTOCOL, { perMessageDeflate: false });
  sockets.push(socket);
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', (code: number) => {
      failure ??= `closed with ${code}`;
      reject(new Error(failure));
    });
    if (query === null) {
      socket.on('message', count);
      socket.on('open', () => resolve());
      return;
    }
    socket.on('open', () => {
      const payload = key === null ? {} : { authorization: `Bearer ${key}` };
      socket.send(JSON.stringify({ type: 'connection_init', payload }));
    });
    socket.once('message', () => {
      socket.on('message', count);
      // As long as the ids that graphql-ws makes.
      const id = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
      socket.send(JSON.stringify({ id, type: 'subscribe', payload: { query, variables } }), () => resolve());
    });
  });
}

serveCalls(
  {
    open: async (operation: Operation) => {
      const before = sockets.length;
      for (let opened = 0; opened < operation.count; opened += STEP) {
        const step = Math.min(STEP, operation.count - opened);
        await Promise.all(
          Array.from({ length: step }, (_, index) => connect(operation, before + opened + index)),
        );
      }
    },
    /** Counts from now on. */
    begin: ({ each, latencies, sockets: count }: { each: number; latencies?: boolean; sockets?: number }) => {
      received = 0;
      const { promise, resolve } = Promise.withResolvers<void>();
      expectation = {
        total: each * (count ?? sockets.length),
        latencies: latencies ? [] : null,
        done: resolve,
      };
      whole = promise;
    },
    /** Waits until all have got what is expected. */
    end: async ({ timeoutMs }: { timeoutMs: number }) => {
      const total = expectation?.total;
      const late = new Promise<never>((_, reject) => {
        setTimeout(
          () => reject(new Error(`${received} of ${total} after ${timeoutMs} ms; ${failure ?? 'no error'}`)),
          timeoutMs,
        ).unref();
      });
      await Promise.race([whole, late]);
      if (failure) throw new Error(failure);
      const latencies = expectation?.latencies;
      return {
        received,
        first,
        last,
        latency: latencies && { p50: percentile(latencies, 50), p99: percentile(latencies, 99) },
      };
    },
    memory: memoryNow,
    close: () => {
      for (const socket of sockets.splice(0)) {
        socket.removeAllListeners('close');
        socket.terminate();
      }
      received = 0;
      failure = undefined;
    },
  },
  () => {
    for (const socket of sockets) socket.terminate();
  },
);
