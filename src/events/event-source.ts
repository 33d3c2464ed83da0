import type { Id } from '../platform/ids.ts';
import type { Runtime } from '../platform/runtime.ts';
import type { LoggedEvent } from './event-types.ts';
import { assertNotPruned, type EventFilter, logBounds, matches, readEvents } from './read.ts';
import { Source } from './source.ts';
import { type LogTail, tailsOf } from './tail.ts';

const PAGE = 500;

/** Events in the order of the log, and how far a reader of them has come: further than the last when a filter skips some. */
export interface LogPage {
  readonly events: readonly LoggedEvent[];
  readonly position: number;
  /** Whether it came from storage and more is known to follow there. */
  readonly isFull: boolean;
}

/**
 * The events of one contract after a position, first from storage, then live. It yields in the order of the log, each
 * once, and holds nothing but its position and at most one page. Whoever executes for many subscribers at once does not
 * iterate over it, but reads pages by itself, from `after` on.
 */
export class EventSource implements AsyncIterableIterator<LoggedEvent> {
  readonly tail: LogTail;
  readonly filter: EventFilter;
  readonly after: number;
  readonly #runtime: Runtime;
  readonly #release: () => void;
  #iterator: Source<LoggedEvent> | undefined;
  #closed = false;

  constructor(
    runtime: Runtime,
    held: { tail: LogTail; release: () => void },
    after: number,
    filter: EventFilter,
  ) {
    this.#runtime = runtime;
    this.tail = held.tail;
    this.#release = held.release;
    this.after = after;
    this.filter = filter;
  }

  /**
   * What comes after a position: from memory where the tail goes back that far, else a page of storage.
   * @throws DomainError CURSOR_INVALID when some of it was pruned meanwhile
   */
  async page(position: number): Promise<LogPage> {
    const { tail, filter } = this;
    const live = tail.after(position);
    if (live) {
      const some = live.slice(0, PAGE);
      const events = some.filter((event) => matches(filter, event));
      return { events, position: some.at(-1)?.sequence ?? position, isFull: false };
    }
    // A page that is not full has seen everything up to where the tail stood before the read, which can be later than
    // its last match: a filter that matches rarely still moves on.
    const upTo = tail.last;
    const em = this.#runtime.db.statements;
    const events = await readEvents(em, tail.contractId, position, PAGE, filter, upTo);
    // Pruning declares before it deletes, so looking afterwards tells of everything that the read can have missed.
    assertNotPruned(await logBounds(em, tail.contractId), position, 'afterSequence');
    const isFull = events.length === PAGE;
    return {
      events,
      position: isFull ? (events.at(-1)?.sequence ?? position) : Math.max(position, upTo),
      isFull,
    };
  }

  next(): Promise<IteratorResult<LoggedEvent>> {
    if (this.#closed) return Promise.resolve({ done: true, value: undefined });
    this.#iterator ??= this.iterate(async (events) => events);
    return this.#iterator.next();
  }

  return(): Promise<IteratorResult<LoggedEvent>> {
    this.#closed = true;
    this.#release();
    return this.#iterator?.return() ?? Promise.resolve({ done: true, value: undefined });
  }

  throw(error: unknown): Promise<IteratorResult<LoggedEvent>> {
    void this.return();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** What `make` makes of the events, page by page; its end is the end of this source. */
  iterate<T>(make: (events: readonly LoggedEvent[]) => Promise<readonly T[]>): Source<T> {
    let position = this.after;
    return new Source<T>({
      listen: (wake) => this.tail.onGrowth(wake),
      read: async () => {
        const page = await this.page(position);
        position = page.position;
        return page.events.length === 0 ? [] : make(page.events);
      },
      more: () => position < this.tail.last,
      close: this.#release,
    });
  }
}

/** The events of one contract after a position. */
export async function eventSource(
  runtime: Runtime,
  contractId: Id<'contract'>,
  after: number,
  filter: EventFilter,
): Promise<EventSource> {
  return new EventSource(runtime, await tailsOf(runtime).acquire(contractId), after, filter);
}
