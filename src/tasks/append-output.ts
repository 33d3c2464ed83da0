import { sql } from 'kysely';
import { recordTurns, type Turn } from '../conversations/conversation.service.ts';
import { callingDaemonId } from '../daemons/command.service.ts';
import { storable } from '../events/append.ts';
import type { EventData, LoggedEvent, OutputType } from '../events/event-types.ts';
import { type Growth, tellGrowth } from '../events/tail.ts';
import { kysely, type Statements } from '../platform/database.ts';
import { topics } from '../platform/doorbell.ts';
import { invalidInput, notFound } from '../platform/errors.ts';
import { fromUuid, type Id, parseId, toUuid } from '../platform/ids.ts';
import { isoDate } from '../platform/iso-date.ts';
import type { Operation } from '../platform/runtime.ts';
import { boundedInt } from '../platform/text.ts';
import { transact } from '../platform/transaction.ts';
import { worded } from '../platform/wording.ts';
import { recordUsage, type Usage } from './record-usage.ts';
import { missingOutput } from './report-task.ts';
import type { TaskRole } from './task.entity.ts';

export interface OutputEntryInput {
  readonly type: OutputType;
  readonly content: string;
  readonly messageId?: string | null | undefined;
  readonly toolName?: string | null | undefined;
  readonly toolInput?: unknown;
  readonly isError?: boolean | null | undefined;
  readonly isPartial?: boolean | null | undefined;
  readonly costUsd?: number | null | undefined;
  readonly durationMs?: number | null | undefined;
  readonly createdAt: Date;
}

export interface OutputBatch {
  readonly taskId: string;
  readonly attempt: number;
  /** Index of the first entry among all of this attempt, from 0. */
  readonly firstIndex: number;
  readonly entries: readonly OutputEntryInput[];
  readonly usage?: Usage | null | undefined;
}

export interface Appended {
  readonly nextIndex: number;
  /** The attempt is over: its agent is to be stopped. */
  readonly stale: boolean;
}

/** Characters of a batch that are not little beside what a server may hold. */
const LARGE = 1_000_000;
const MAX_ENTRIES = 5_000;

/**
 * Stores a batch of a task's output, each index once: what was stored before is skipped, so a daemon that got no reply
 * simply sends again. Output of an attempt that is over is still taken: what an agent said is never thrown away.
 * @returns the index to go on from, and whether the attempt is over
 * @throws DomainError OUTPUT_GAP with `nextIndex` when entries before the batch are missing
 */
export async function appendTaskOutput(op: Operation, batch: OutputBatch): Promise<Appended> {
  const checked = checkBatch(op, batch);
  const turns = turnsOf(batch);
  // The usual batch, lines of a command, is one statement and nothing else.
  if (turns.length === 0 && !batch.usage) {
    const known = await store(op.runtime.db.statements, checked);
    const answer = appended(known, checked);
    if (answer.nextIndex > known.next) tellGrowth(op.runtime, known.contractId, growthOf(checked, known));
    return answer;
  }
  return transact(op.runtime, async (tx) => {
    // The task before the log's counter, as everybody who needs both.
    await sql`select 1 from task where id = ${toUuid(checked.taskId)} for no key update`.execute(
      kysely(tx.statements),
    );
    const known = await store(tx.statements, checked);
    const answer = appended(known, checked);
    if (answer.nextIndex > known.next) tx.ring(topics.contract(known.contractId));
    const fresh = turns.filter(({ index }) => index >= known.next);
    // What an attempt that is over still says is in the log, but no longer part of what is told on.
    if (fresh.length > 0 && !known.stale) await recordTurns(tx, known.contractId, checked.taskId, fresh);
    if (batch.usage) await recordUsage(tx, { ...checked, contractId: known.contractId, usage: batch.usage });
    return answer;
  });
}

interface CheckedBatch extends OutputBatch {
  readonly taskId: Id<'task'>;
  readonly daemonId: Id<'daemon'>;
  readonly now: string;
}

function checkBatch(op: Operation, batch: OutputBatch): CheckedBatch {
  const daemonId = callingDaemonId(op);
  const taskId = parseId('task', batch.taskId, 'taskId');
  // The database counts in 32 bits.
  boundedInt(batch.firstIndex, 'firstIndex', 0, 2_000_000_000);
  if (batch.entries.length > MAX_ENTRIES)
    throw invalidInput('entries', `A batch has at most ${MAX_ENTRIES} entries.`);
  return { ...batch, taskId, daemonId, now: op.runtime.clock.now().toISOString() };
}

/** What of a batch belongs to the conversation: what the agent was told and what it said. */
function turnsOf({ entries, firstIndex, attempt }: OutputBatch): (Turn & { index: number })[] {
  return entries.flatMap((entry, offset) => {
    if (entry.type !== 'USER' && entry.type !== 'ASSISTANT') return [];
    const index = firstIndex + offset;
    const source = entry.messageId ?? `output ${index}`;
    const content = entry.content.toWellFormed().replaceAll('\0', '\uFFFD');
    return [{ role: entry.type, content, attempt, source, isPartial: entry.isPartial ?? false, index }];
  });
}

interface Known {
  /** The index that was to come next before this batch. */
  readonly next: number;
  readonly stale: boolean;
  readonly contractId: Id<'contract'>;
  readonly role: TaskRole;
  /** The last sequence of the log before this batch; null: nothing was appended. */
  readonly before: number | null;
  /** The entries as they were sent to the database, in JSON. */
  readonly json: string;
}

interface KnownRow extends Pick<Known, 'next' | 'stale' | 'role' | 'before'> {
  readonly contract_id: string;
}

/**
 * One statement for all of it, since this is where the volume is: the attempt's row is locked and moved on, the counter
 * hands out the sequences, and the entries that are new are appended.
 */
async function store(em: Statements, batch: CheckedBatch): Promise<Known> {
  const { firstIndex, attempt, now } = batch;
  const count = batch.entries.length;
  const task = toUuid(batch.taskId);
  const json = storable(batch.entries.map(plain));
  const { rows } = await worded`
    with known as (
      select a.next_output_index as next, t.role, t.contract_id,
             t.attempt <> a.attempt or t.status in ('PENDING', 'CANCELLED') as stale
      from task_attempt a join task t on t.id = a.task_id
      where a.task_id = ${task} and a.attempt = ${attempt} and a.daemon_id = ${toUuid(batch.daemonId)}
      for update of a
    ), fresh as (
      select role, contract_id, ${firstIndex}::int + ${count}::int - next as added, next - ${firstIndex}::int as skipped
      from known where next >= ${firstIndex} and next < ${firstIndex}::int + ${count}::int
    ), moved as (
      update task_attempt a set next_output_index = ${firstIndex}::int + ${count}::int,
        last_output_at = ${now}::timestamptz, stalled_at = null
      from fresh where a.task_id = ${task} and a.attempt = ${attempt}
    ), counter as (
      update contract_counter c set last = c.last + fresh.added from fresh where c.contract_id = fresh.contract_id
      returning c.last - fresh.added as before
    ), appended as (
      insert into contract_event (contract_id, sequence, type, task_id, data, occurred_at)
      select fresh.contract_id, counter.before + row.ordinality - fresh.skipped, 'OUTPUT', ${task}::uuid,
             row.value || jsonb_build_object('role', fresh.role, 'attempt', ${attempt}::int), ${now}::timestamptz
      from fresh, counter, jsonb_array_elements(${json}::jsonb) with ordinality as row
      where row.ordinality > fresh.skipped
    )
    select next, stale, contract_id, role, (select before from counter) as before from known`.execute(
    kysely(em),
  );
  const [known] = rows as KnownRow[];
  if (!known) throw notFound('task', batch.taskId);
  const { next, stale, role, before } = known;
  return { next, stale, role, before, json, contractId: fromUuid('contract', known.contract_id) };
}

/** An entry as JSON writes it quickly: what comes from graphql-js is a dictionary, and takes six times as long. */
function plain(entry: OutputEntryInput) {
  const { type, content, messageId, toolName, toolInput, isError, isPartial, costUsd, durationMs } = entry;
  const createdAt = isoDate(entry.createdAt);
  return {
    type,
    content,
    messageId,
    toolName,
    toolInput,
    isError,
    isPartial,
    costUsd,
    durationMs,
    createdAt,
  } satisfies Record<keyof OutputEntryInput, unknown>;
}

/**
 * What was appended; null when it has to be read: the database orders what stands in the objects that agents give to their
 * tools, and what is large is not held twice.
 */
function growthOf({ firstIndex, entries, taskId, attempt, now }: CheckedBatch, known: Known): Growth | null {
  const { contractId, role, before, next, json } = known;
  if (before === null || json.length > LARGE || entries.some(({ toolInput }) => toolInput)) return null;
  const events = () => {
    const occurredAt = new Date(now);
    const fresh = (JSON.parse(json) as EventData['OUTPUT'][]).slice(next - firstIndex);
    return fresh.map(
      (entry, index): LoggedEvent => ({
        contractId,
        sequence: before + 1 + index,
        type: 'OUTPUT',
        taskId,
        data: { ...entry, role, attempt },
        occurredAt,
      }),
    );
  };
  return { before, events };
}

/** @throws DomainError OUTPUT_GAP: nothing was stored */
function appended({ next, stale }: Known, { firstIndex, entries }: OutputBatch): Appended {
  if (next < firstIndex) throw missingOutput(next, firstIndex);
  return { nextIndex: Math.max(next, firstIndex + entries.length), stale };
}
