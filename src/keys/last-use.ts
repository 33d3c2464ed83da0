import { sql } from 'kysely';
import { kysely } from '../platform/database.ts';
import { type Id, toUuid } from '../platform/ids.ts';
import type { Runtime } from '../platform/runtime.ts';

/** How exactly it is known when a key was last used. Milliseconds. */
const RESOLUTION_MS = 60_000;

interface Uses {
  /** When a use of each key was last written down. */
  readonly noted: Map<Id<'key'>, number>;
  readonly writing: Set<Promise<void>>;
}
const uses = new WeakMap<Runtime, Uses>();

function usesOf(runtime: Runtime): Uses {
  const known = uses.get(runtime) ?? { noted: new Map(), writing: new Set() };
  uses.set(runtime, known);
  return known;
}

/** Writes down that a key was used, at most once a minute and beside the call, which does not wait for it. */
export function noteUse(runtime: Runtime, keyId: Id<'key'>): void {
  const { noted, writing } = usesOf(runtime);
  const now = runtime.clock.now();
  if (now.getTime() - (noted.get(keyId) ?? 0) < RESOLUTION_MS) return;
  if (noted.size > 10_000) noted.clear();
  noted.set(keyId, now.getTime());
  const write = sql`
    update key set last_used_at = ${now.toISOString()}
    where id = ${toUuid(keyId)} and (last_used_at is null or last_used_at < ${now.toISOString()})`
    .execute(kysely(runtime.db.statements))
    .then(
      () => undefined,
      (error: unknown) => runtime.logger.debug({ err: error }, 'the last use of a key was not written down'),
    )
    .finally(() => writing.delete(write));
  writing.add(write);
}

/** Waits for what is being written: the database is about to be closed. */
export async function finishNotes(runtime: Runtime): Promise<void> {
  await Promise.all(usesOf(runtime).writing);
}
