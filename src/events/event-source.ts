import type { Id } from '../platform/ids.ts';
import type { Runtime } from '../platform/runtime.ts';
import type { LoggedEvent } from './event-types.ts';
import { type EventFilter, matches, readEvents } from './read.ts';
import { Source } from './source.ts';
import { type LogTail, tailsOf } from './tail.ts';

const PAGE = 500;

/**
 * The events of one contract after a position, first from storage, then live. It yields in the order of the log, each
 * once, and holds nothing but its position and at most one page.
 */
export async function eventSource(
  runtime: Runtime,
  contractId: Id<'contract'>,
  after: number,
  filter: EventFilter,
): Promise<AsyncIterableIterator<LoggedEvent>> {
  const { tail, release } = await tailsOf(runtime).acquire(contractId);
  let position = after;
  return new Source<LoggedEvent>({
    listen: (wake) => tail.onGrowth(wake),
    read: async () => {
      const live = tail.after(position);
      if (live) {
        position = Math.max(position, tail.last);
        return live.filter((event) => matches(filter, event));
      }
      const page = await fromStorage(runtime, tail, position, filter);
      position = page.position;
      return page.events;
    },
    more: () => position < tail.last,
    close: release,
  });
}

/**
 * A page that is not full has seen everything up to where the tail stood before the read, which can be later than its
 * last match: a filter that matches rarely still moves on.
 */
async function fromStorage(runtime: Runtime, tail: LogTail, position: number, filter: EventFilter) {
  const upTo = tail.last;
  const events = await readEvents(runtime.db.fork(), tail.contractId, position, PAGE, filter, upTo);
  const full = events.length === PAGE;
  return { events, position: full ? (events.at(-1)?.sequence ?? position) : Math.max(position, upTo) };
}
