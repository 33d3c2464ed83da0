import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { type Database, kysely } from '../platform/database.ts';
import { type Id, toUuid } from '../platform/ids.ts';

/** Rows deleted at once: few enough that no lock and no burst of writing is felt by whoever else uses the database. */
const BATCH = 2_000;

/** A part of a contract's log, both ends in it. */
export interface LogPart {
  readonly contractId: Id<'contract'>;
  readonly first: number;
  readonly last: number;
}

/**
 * Deletes the beginning of the log of a contract that ended before a time. It is declared as gone first, and deleted
 * batch by batch then: who reads and misses an event can always see why, also when this is interrupted in between.
 * @returns how many events it deleted; fewer than there were when the signal aborts, and none when the contract is open
 */
export async function pruneLog(
  db: Database,
  part: LogPart,
  endedBefore: Date,
  signal: AbortSignal,
): Promise<number> {
  const contract = toUuid(part.contractId);
  const declared = await sql`
    with ended as (
      select id from contract
      where id = ${contract} and status <> 'ACTIVE' and completed_at < ${endedBefore.toISOString()} for share
    )
    update contract_counter set pruned = greatest(pruned, least(last, ${part.last})) from ended
    where contract_id = ended.id returning pruned`.execute(kysely(db.statements));
  if (declared.rows.length === 0) return 0;
  let deleted = 0;
  for (let from = part.first; from <= part.last && !signal.aborted; from += BATCH) {
    const to = Math.min(part.last, from + BATCH - 1);
    const startedAt = performance.now();
    const { numAffectedRows } = await sql`
      delete from contract_event where contract_id = ${contract} and sequence between ${from} and ${to}`.execute(
      kysely(db.statements),
    );
    deleted += Number(numAffectedRows ?? 0);
    // Half of the time belongs to the others.
    if (to < part.last) await delay(performance.now() - startedAt);
  }
  return deleted;
}
