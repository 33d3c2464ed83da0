import type { AccessConfig } from '../platform/access-config.ts';
import type { Principal } from '../platform/principal.ts';

/*
 * Every limit of the door, in one place. They are there to keep one caller from taking the server from all others, and so
 * generous that nobody who works meets one: a daemon that sends what its agents say, an agent that calls again and again,
 * a thousand clients that come back at once. They are counted in memory, by each instance for itself: behind two
 * instances a caller may do twice as much.
 */

/** How often something may happen: so many a second, and so many at once after a quiet time. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** What one key may do, by what kind of key it is. */
export interface KeyLimits {
  /** Largest body over HTTP. Over WebSocket, where only subscriptions need to go, it is `socket.messageBytes` for all. */
  readonly bodyBytes: number;
  /** Requests over HTTP, and operations over WebSocket. */
  readonly requests: Rate;
  readonly sockets: number;
  /** Operations under way over WebSocket and SSE. */
  readonly subscriptions: number;
}

export interface DocumentLimits {
  /** Characters of the text. What is long is a variable's value, not the document. */
  readonly length: number;
  readonly tokens: number;
  /** Brackets in each other: of selections, values, types. */
  readonly nesting: number;
  /** Fields inside each other. The introspection query of tools needs 14. */
  readonly depth: number;
  /** Fields side by side. */
  readonly breadth: number;
  /** Fields in all, fragments counted wherever they are used. */
  readonly fields: number;
  readonly aliases: number;
  /** Directives at one place. */
  readonly directives: number;
  /** Values that an answer may have, as document-cost.ts estimates them. */
  readonly cost: number;
}

export interface Limits {
  readonly keys: Readonly<Record<'USER' | 'TASK' | 'DAEMON', KeyLimits>>;
  /** For callers without a valid key, by network address. */
  readonly address: {
    readonly bodyBytes: number;
    readonly requests: Rate;
    /** Authentications that fail; past it nobody new is looked up for this address. */
    readonly failures: Rate;
    /** Sockets that have not said yet whose they are. */
    readonly sockets: number;
  };
  readonly socket: {
    readonly messageBytes: number;
    readonly messages: Rate;
    /** How long a client has to introduce itself. Milliseconds. */
    readonly initMs: number;
  };
  readonly document: DocumentLimits;
}

const KiB = 1_024;
const MiB = 1_024 * KiB;

/**
 * Of bodies: the longest text that the API takes is a document of 2,000,000 characters, 6 MB as UTF-8 at worst, so 8 MiB
 * is what a person or an agent may send. A daemon sends batches of output (512 KiB), parts of checkpoints (1 MiB in
 * base64) and whole diffs. Without a key nothing is worth more than the question for one.
 */
const DEFAULTS: Limits = {
  keys: {
    USER: {
      bodyBytes: 8 * MiB,
      requests: { perSecond: 2_000, burst: 10_000 },
      sockets: 2_000,
      subscriptions: 20_000,
    },
    TASK: { bodyBytes: 8 * MiB, requests: { perSecond: 200, burst: 2_000 }, sockets: 50, subscriptions: 500 },
    DAEMON: {
      bodyBytes: 16 * MiB,
      requests: { perSecond: 2_000, burst: 10_000 },
      sockets: 20,
      subscriptions: 200,
    },
  },
  address: {
    bodyBytes: 64 * KiB,
    requests: { perSecond: 100, burst: 2_000 },
    failures: { perSecond: 20, burst: 1_000 },
    sockets: 2_000,
  },
  socket: { messageBytes: 64 * KiB, messages: { perSecond: 200, burst: 2_000 }, initMs: 10_000 },
  document: {
    length: 64 * KiB,
    tokens: 4_000,
    nesting: 60,
    depth: 16,
    breadth: 100,
    fields: 1_000,
    aliases: 100,
    directives: 5,
    cost: 200_000,
  },
};

/** The limits as they are without any setting, with what an operator has set instead. */
export function limitsOf({
  requestsPerSecond,
  sockets,
  subscriptions,
  cost,
}: AccessConfig['limits']): Limits {
  const changed = (limits: KeyLimits): KeyLimits => ({
    ...limits,
    ...(requestsPerSecond
      ? { requests: { perSecond: requestsPerSecond, burst: requestsPerSecond * 5 } }
      : {}),
    ...(sockets ? { sockets } : {}),
    ...(subscriptions ? { subscriptions } : {}),
  });
  const { USER, TASK, DAEMON } = DEFAULTS.keys;
  return {
    ...DEFAULTS,
    keys: { USER: changed(USER), TASK: changed(TASK), DAEMON: changed(DAEMON) },
    document: { ...DEFAULTS.document, ...(cost ? { cost } : {}) },
  };
}

/** What the key of this caller may do. */
export function limitsFor(limits: Limits, { kind }: Principal): KeyLimits {
  return limits.keys[kind === 'USER' || kind === 'DAEMON' ? kind : 'TASK'];
}
