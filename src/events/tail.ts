import { topics } from '../platform/doorbell.ts';
import type { Id } from '../platform/ids.ts';
import type { Runtime } from '../platform/runtime.ts';
import type { LoggedEvent } from './event-types.ts';
import { findLogBounds, logBounds, readEvents } from './read.ts';

/** Events kept in memory for subscribers at the end of the log. Who falls behind further reads storage. */
const WINDOW = 2_048;
const PAGE = 1_000;
/** A lost ring costs at most this much. */
const POLL_MS = 3_000;
/** How long a tail without subscribers is kept for the next one. */
const LINGER_MS = 5_000;

/**
 * The live end of one contract's log, once per instance however many subscribe. Since sequences are dense, the window
 * is an array that a position indexes: a subscriber holds only its position, so there is no queue to overflow and no
 * seam between storage and live at which an event could be lost or doubled.
 */
export class LogTail {
  readonly #runtime: Runtime;
  readonly #contractId: Id<'contract'>;
  readonly #waiting = new Set<() => void>();
  readonly #stopListening: () => void;
  readonly #poll: NodeJS.Timeout;
  #window: LoggedEvent[] = [];
  #last: number;
  #reading = false;
  #rungWhileReading = false;
  /** A ring is under way that tells of nothing but what was taken already. */
  #isTold = false;
  #closed = false;

  private constructor(runtime: Runtime, contractId: Id<'contract'>, last: number) {
    this.#runtime = runtime;
    this.#contractId = contractId;
    this.#last = last;
    this.#stopListening = runtime.doorbell.onRing(topics.contract(contractId), () => {
      if (!this.#isTold) void this.#read();
    });
    this.#poll = setInterval(() => void this.#look(), POLL_MS);
    this.#poll.unref();
  }

  static async open(runtime: Runtime, contractId: Id<'contract'>): Promise<LogTail> {
    const { last } = await logBounds(runtime.db.statements, contractId);
    const tail = new LogTail(runtime, contractId, last);
    // What was committed between reading the bounds and listening rang nobody here.
    void tail.#read();
    return tail;
  }

  get contractId(): Id<'contract'> {
    return this.#contractId;
  }

  /** The last sequence the window reaches. */
  get last(): number {
    return this.#last;
  }

  /** The events after a position, or null when the window does not go back that far: then read storage. */
  after(position: number): readonly LoggedEvent[] | null {
    const first = this.#last - this.#window.length;
    if (position < first) return null;
    return position >= this.#last ? [] : this.#window.slice(position - first);
  }

  /**
   * Takes events that this instance has just appended, where they are the very next: those need not be read. Whatever else
   * was appended before them is read with them, as ever.
   * @param ring tells of them and of nothing else
   */
  take({ before, events }: Growth, ring: () => void): void {
    const isNext = !this.#closed && !this.#reading && before === this.#last;
    if (isNext) {
      const taken = events();
      this.#grow(taken, before + taken.length);
    }
    this.#isTold = isNext;
    try {
      ring();
    } finally {
      this.#isTold = false;
    }
  }

  /** Calls back at each growth of the log. Returns how to stop. */
  onGrowth(callback: () => void): () => void {
    this.#waiting.add(callback);
    return () => this.#waiting.delete(callback);
  }

  /**
   * Reads when there is something to read: the counter is cheaper to ask than the log. An instance that could not read
   * for a day or more may find that what it has not read was pruned meanwhile.
   */
  async #look(): Promise<void> {
    const bounds = await findLogBounds(this.#runtime.db.statements, this.#contractId).catch(() => undefined);
    if (bounds === null || bounds?.last === this.#last) return;
    await this.#read();
    if (bounds && bounds.pruned > this.#last && !this.#reading && !this.#closed)
      this.#grow([], bounds.pruned);
  }

  async #read(): Promise<void> {
    if (this.#closed) return;
    if (this.#reading) {
      this.#rungWhileReading = true;
      return;
    }
    this.#reading = true;
    try {
      do {
        this.#rungWhileReading = false;
        const events = await readEvents(this.#runtime.db.statements, this.#contractId, this.#last, PAGE);
        if (this.#closed) return;
        const last = events.at(-1);
        if (last) this.#grow(events, last.sequence);
        if (events.length === PAGE) this.#rungWhileReading = true;
      } while (this.#rungWhileReading);
    } catch (error) {
      // The next ring or poll tries again: the database may be away for a moment.
      if (!this.#closed)
        this.#runtime.logger.warn({ err: error, contractId: this.#contractId }, 'reading the log failed');
    } finally {
      this.#reading = false;
    }
  }

  #grow(events: readonly LoggedEvent[], last: number): void {
    // The window is dense or it is nothing: who stood before a hole reads storage, and is told there what it is.
    const follows = last - events.length === this.#last;
    const window = follows ? this.#window.concat(events) : [...events];
    this.#window = window.length > WINDOW ? window.slice(-WINDOW) : window;
    this.#last = last;
    for (const callback of [...this.#waiting]) callback();
  }

  close(): void {
    this.#closed = true;
    this.#stopListening();
    clearInterval(this.#poll);
    this.#waiting.clear();
  }
}

/** Events that one statement appended, and which have been committed. */
export interface Growth {
  /** The last sequence before them. */
  readonly before: number;
  /** All of them, as they would be read. */
  readonly events: () => readonly LoggedEvent[];
}

interface Held {
  readonly tail: Promise<LogTail>;
  /** Once it is open. */
  open: LogTail | undefined;
  users: number;
  linger: NodeJS.Timeout | undefined;
}

/** The tails of this instance: opened with the first subscriber of a contract, closed after the last. */
export class Tails {
  readonly #runtime: Runtime;
  readonly #held = new Map<Id<'contract'>, Held>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** @returns the tail and how to give it back, once */
  async acquire(contractId: Id<'contract'>): Promise<{ tail: LogTail; release: () => void }> {
    let held = this.#held.get(contractId);
    if (!held) {
      held = {
        tail: LogTail.open(this.#runtime, contractId),
        open: undefined,
        users: 0,
        linger: undefined,
      };
      this.#held.set(contractId, held);
    }
    clearTimeout(held.linger);
    held.users += 1;
    const entry = held;
    try {
      const tail = await entry.tail;
      entry.open = tail;
      let released = false;
      return {
        tail,
        release: () => {
          if (released) return;
          released = true;
          this.#release(contractId, entry, tail);
        },
      };
    } catch (error) {
      if (this.#held.get(contractId) === entry) this.#held.delete(contractId);
      throw error;
    }
  }

  #release(contractId: Id<'contract'>, entry: Held, tail: LogTail): void {
    entry.users -= 1;
    if (entry.users > 0) return;
    entry.linger = setTimeout(() => {
      if (this.#held.get(contractId) === entry) this.#held.delete(contractId);
      tail.close();
    }, LINGER_MS);
    entry.linger.unref();
  }

  /** The tail of a contract, where somebody follows it here. */
  of(contractId: Id<'contract'>): LogTail | undefined {
    return this.#held.get(contractId)?.open;
  }

  get size(): number {
    return this.#held.size;
  }

  async close(): Promise<void> {
    const held = [...this.#held.values()];
    this.#held.clear();
    for (const entry of held) {
      clearTimeout(entry.linger);
      await entry.tail.then((tail) => tail.close()).catch(() => undefined);
    }
  }
}

const tails = new WeakMap<Runtime, Tails>();

/** The tails of a server instance. */
export function tailsOf(runtime: Runtime): Tails {
  const known = tails.get(runtime) ?? new Tails(runtime);
  tails.set(runtime, known);
  return known;
}

/**
 * Rings that a contract's log grew, and gives those who follow it here what it grew by.
 * @param growth null: it has to be read
 */
export function tellGrowth(runtime: Runtime, contractId: Id<'contract'>, growth: Growth | null): void {
  const ring = () => runtime.doorbell.ring([topics.contract(contractId)]);
  const tail = growth && tails.get(runtime)?.of(contractId);
  if (tail) tail.take(growth, ring);
  else ring();
}
