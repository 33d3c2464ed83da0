import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { type Database, kysely } from '../platform/database.ts';
import { type Id, toUuid } from '../platform/ids.ts';

/** Pieces deleted at once, of up to 4 MiB each. */
const BATCH = 16;

export interface StoredData {
  readonly parts: number;
  readonly bytes: number;
}

/** What is stored of the checkpoints of a contract's tasks, uploads that never became a checkpoint included. */
export async function storedData(
  db: Database,
  contractId: Id<'contract'>,
  storedBefore: Date,
): Promise<StoredData> {
  const { rows } = await sql<{ parts: number; bytes: string | number }>`
    select count(*)::int as parts, coalesce(sum(octet_length(p.data)), 0) as bytes
    from checkpoint_part p join task t on t.id = p.task_id
    where t.contract_id = ${toUuid(contractId)} and p.created_at < ${storedBefore.toISOString()}`.execute(
    kysely(db.statements),
  );
  return { parts: rows[0]?.parts ?? 0, bytes: Number(rows[0]?.bytes ?? 0) };
}

/** Deletes the data of the checkpoints of a contract's tasks; that they were made, and what they changed, stays known. */
export async function pruneData(
  db: Database,
  contractId: Id<'contract'>,
  storedBefore: Date,
  signal: AbortSignal,
): Promise<StoredData> {
  let parts = 0;
  let bytes = 0;
  while (!signal.aborted) {
    const startedAt = performance.now();
    const { rows } = await sql<{ bytes: number }>`
      delete from checkpoint_part where (task_id, upload_id, index) in (
        select p.task_id, p.upload_id, p.index from checkpoint_part p join task t on t.id = p.task_id
        where t.contract_id = ${toUuid(contractId)} and p.created_at < ${storedBefore.toISOString()} limit ${BATCH}
      ) returning octet_length(data) as bytes`.execute(kysely(db.statements));
    if (rows.length === 0) break;
    parts += rows.length;
    bytes += rows.reduce((sum, row) => sum + row.bytes, 0);
    await delay(performance.now() - startedAt);
  }
  return { parts, bytes };
}
