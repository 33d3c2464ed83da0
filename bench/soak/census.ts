import { getEventListeners } from 'node:events';
import { Socket } from 'node:net';
import { tailsOf } from '../../src/events/tail.ts';
import type { RunningServer } from '../../src/server/server.ts';
import { memoryNow } from '../harness/serve-calls.ts';

/** What a server holds at a moment. What of it is still there when nobody wants anything was forgotten. */
export interface Census {
  /** Bytes, once garbage is collected. */
  readonly heap: number;
  readonly rss: number;
  /** Who waits for the doorbell. */
  readonly listeners: number;
  /** Logs that are followed for subscribers. */
  readonly tails: number;
  /** Who waits for the end of the instance. */
  readonly waiting: number;
  /** Sockets of clients. */
  readonly connections: number;
  /** Warnings of Node.js, as of too many listeners. */
  readonly warnings: number;
}

let warnings = 0;
process.on('warning', () => {
  warnings += 1;
});

/** To be called in the process of the server. */
export function census(server: RunningServer): Census {
  const { runtime, port } = server;
  const sockets = activeHandles().filter((handle) => handle instanceof Socket && handle.localPort === port);
  return {
    ...memoryNow(),
    listeners: runtime.doorbell.listeners,
    tails: tailsOf(runtime).size,
    waiting: getEventListeners(runtime.closing, 'abort').length,
    connections: sockets.length,
    warnings,
  };
}

/** Nothing that is documented tells which sockets of a process are open. */
function activeHandles(): unknown[] {
  return (process as unknown as { _getActiveHandles(): unknown[] })._getActiveHandles();
}
