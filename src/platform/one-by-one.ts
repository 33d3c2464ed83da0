import { isDatabaseAway, isOutdone } from './database-failures.ts';
import type { Runtime } from './runtime.ts';

/**
 * Does something for each of several by itself: what fails is logged, and keeps no other from its turn.
 * @param what for the log
 * @returns those that failed
 * @throws when the database is away: the others would fail as well, each after as long
 */
export async function oneByOne<T extends string | object>(
  { logger }: Runtime,
  what: string,
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
): Promise<T[]> {
  const failed: T[] = [];
  for (const item of items) {
    try {
      await work(item);
    } catch (error) {
      if (isDatabaseAway(error) && !isOutdone(error)) throw error;
      const id = typeof item === 'string' ? item : (item as { id?: unknown }).id;
      logger[isOutdone(error) ? 'warn' : 'error']({ err: error, id }, `${what} failed; others go on`);
      failed.push(item);
    }
  }
  return failed;
}

/**
 * The same for all that there are, page by page: a page of nothing but what fails keeps nothing behind it from its turn.
 * @param read the next ones behind an id, in the order of ids; an empty page is the end
 */
export async function allOneByOne<T extends { readonly id: string }>(
  runtime: Runtime,
  what: string,
  read: (after: T['id'] | null) => Promise<readonly T[]>,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  for (let page = await read(null); page.length > 0; page = await read(page.at(-1)?.id ?? null))
    await oneByOne(runtime, what, page, work);
}
