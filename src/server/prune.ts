import { sql } from 'kysely';
import { migrations } from '../../migrations/index.ts';
import { pruneData, type StoredData, storedData } from '../checkpoints/prune-data.ts';
import { type LogPart, pruneLog } from '../events/prune-log.ts';
import type { ServerConfig } from '../platform/config.ts';
import { assertMigrated, type Database, kysely, openDatabase } from '../platform/database.ts';
import { fromUuid, type Id, toUuid } from '../platform/ids.ts';
import { entities } from './entities.ts';

export interface PruneOptions {
  /** Contracts that ended before this, and of them what was logged before this. */
  readonly before: Date;
  /** The data of their checkpoints as well. */
  readonly checkpoints: boolean;
  /** Only to tell what would go. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

export interface PrunedContract {
  readonly id: Id<'contract'>;
  readonly name: string;
  readonly endedAt: Date;
  readonly events: number;
  /** Pieces and bytes of the data of checkpoints. */
  readonly checkpoints: StoredData;
}

interface Candidate {
  readonly id: Id<'contract'>;
  readonly name: string;
  readonly endedAt: Date;
  /** null: its log has nothing so old. */
  readonly log: LogPart | null;
}

const PAGE = 200;

/**
 * Deletes the logs of contracts that ended before a time. Contracts, tasks, questions, conversations and documents stay.
 * Servers may run meanwhile; run again, or twice at once, it goes on with what is left.
 * @returns what went, or would, by contract; what is left when the signal aborts goes the next time
 */
export async function pruneContracts(db: Database, options: PruneOptions): Promise<PrunedContract[]> {
  const { before, dryRun, signal } = options;
  const pruned: PrunedContract[] = [];
  let page: Candidate[] = [];
  do {
    page = await candidates(db, options, page.at(-1)?.id ?? null);
    for (const { id, name, endedAt, log } of page) {
      if (signal.aborted) break;
      const length = log ? log.last - log.first + 1 : 0;
      const events = log && !dryRun ? await pruneLog(db, log, before, signal) : length;
      const data = dryRun ? storedData : pruneData;
      const checkpoints = options.checkpoints ? await data(db, id, before, signal) : { parts: 0, bytes: 0 };
      if (events > 0 || checkpoints.parts > 0) pruned.push({ id, name, endedAt, events, checkpoints });
    }
  } while (page.length === PAGE && !signal.aborted);
  // PostgreSQL does it by itself; nobody does on the embedded database, whose files would only ever grow.
  if (db.embedded && !dryRun) await db.fork().execute('vacuum contract_event, checkpoint_part');
  return pruned;
}

interface CandidateRow {
  id: string;
  name: string;
  ended_at: string | Date;
  first: number | null;
  last: number | null;
}

/** Contracts behind `after` that have something to go, what an interrupted pruning left included, by id. */
async function candidates(
  db: Database,
  { before, checkpoints }: PruneOptions,
  after: Id<'contract'> | null,
): Promise<Candidate[]> {
  const time = before.toISOString();
  const hasData = checkpoints
    ? sql`exists (select 1 from checkpoint_part p join task t on t.id = p.task_id
                  where t.contract_id = c.id and p.created_at < ${time})`
    : sql`false`;
  const { rows } = await sql<CandidateRow>`
    select c.id, c.name, c.completed_at as ended_at, old.sequence as first,
      greatest(k.pruned, (
        select e.sequence from contract_event e where e.contract_id = c.id and e.occurred_at < ${time}
        order by e.sequence desc limit 1
      )) as last
    from contract c
    join contract_counter k on k.contract_id = c.id
    left join lateral (
      select * from (
        select e.sequence, e.occurred_at from contract_event e where e.contract_id = c.id
        order by e.sequence limit 1
      ) head where head.occurred_at < ${time} or head.sequence <= k.pruned
    ) old on true
    where c.status <> 'ACTIVE' and c.completed_at < ${time}
      ${after === null ? sql`` : sql`and c.id > ${toUuid(after)}`}
      and (old.sequence is not null or ${hasData})
    order by c.id limit ${PAGE}`.execute(kysely(db.statements));
  return rows.map((row) => {
    const id = fromUuid('contract', row.id);
    const hasLog = row.first !== null && row.last !== null;
    return {
      id,
      name: row.name,
      endedAt: new Date(row.ended_at),
      log: hasLog ? { contractId: id, first: Number(row.first), last: Number(row.last) } : null,
    };
  });
}

/**
 * Prunes the database of a server, and changes nothing of its schema.
 * @throws DomainError INVALID_INPUT when the database is older than this version
 */
export async function pruneDatabase(config: ServerConfig, options: PruneOptions): Promise<PrunedContract[]> {
  const db = await openDatabase(config, { entities, migrations });
  try {
    await assertMigrated(db);
    return await pruneContracts(db, options);
  } finally {
    await db.close();
  }
}
