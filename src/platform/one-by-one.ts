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
