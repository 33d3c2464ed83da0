import { sql } from 'kysely';
import { callingDaemonId } from '../daemons/command.service.ts';
import { storable } from '../events/append.ts';
import type { OutputType } from '../events/event-types.ts';
import { kysely } from '../platform/database.ts';
import { topics } from '../platform/doorbell.ts';
import { invalidInput, notFound } from '../platform/errors.ts';
import { fromUuid, parseId, toUuid } from '../platform/ids.ts';
import type { Operation } from '../platform/runtime.ts';
import { boundedInt } from '../platform/text.ts';
import { missingOutput } from './report-task.ts';

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
}

const MAX_ENTRIES = 5_000;

/**
 * Stores a batch of a task's output, each index once: what was stored before is skipped, so a daemon that got no reply
 * simply sends again. Output of an attempt that is over is still taken: what an agent said is never thrown away.
 *
 * One statement for all of it, since this is where the volume is: the attempt's row is locked and moved on, the counter
 * hands out the sequences, and the entries that are new are appended.
 * @returns the index to go on from, and whether the attempt is over: then its agent is to be stopped
 * @throws DomainError OUTPUT_GAP with `nextIndex` when entries before the batch are missing
 */
export async function appendTaskOutput(
  op: Operation,
  batch: OutputBatch,
): Promise<{ nextIndex: number; stale: boolean }> {
  const daemonId = callingDaemonId(op);
  const taskId = parseId('task', batch.taskId, 'taskId');
  const { firstIndex, entries } = batch;
  // The database counts in 32 bits.
  boundedInt(firstIndex, 'firstIndex', 0, 2_000_000_000);
  if (entries.length > MAX_ENTRIES)
    throw invalidInput('entries', `A batch has at most ${MAX_ENTRIES} entries.`);
  const rows = entries.map((entry) => ({
    ...entry,
    attempt: batch.attempt,
    createdAt: entry.createdAt.toISOString(),
  }));
  const task = toUuid(taskId);
  const count = entries.length;
  const now = op.runtime.clock.now().toISOString();
  const answer = await sql<{ next: number; stale: boolean; contract_id: string }>`
    with known as (
      select a.next_output_index as next, t.role, t.contract_id,
             t.attempt <> a.attempt or t.status in ('PENDING', 'CANCELLED') as stale
      from task_attempt a join task t on t.id = a.task_id
      where a.task_id = ${task} and a.attempt = ${batch.attempt} and a.daemon_id = ${toUuid(daemonId)}
      for update of a
    ), fresh as (
      select role, contract_id, ${firstIndex}::int + ${count}::int - next as added, next - ${firstIndex}::int as skipped
      from known where next >= ${firstIndex} and next < ${firstIndex}::int + ${count}::int
    ), moved as (
      update task_attempt a set next_output_index = ${firstIndex}::int + ${count}::int,
        last_output_at = ${now}::timestamptz, stalled_at = null
      from fresh where a.task_id = ${task} and a.attempt = ${batch.attempt}
    ), counter as (
      update contract_counter c set last = c.last + fresh.added from fresh where c.contract_id = fresh.contract_id
      returning c.last - fresh.added as before
    ), appended as (
      insert into contract_event (contract_id, sequence, type, task_id, data, occurred_at)
      select fresh.contract_id, counter.before + row.ordinality - fresh.skipped, 'OUTPUT', ${task}::uuid,
             row.value || jsonb_build_object('role', fresh.role), ${now}::timestamptz
      from fresh, counter, jsonb_array_elements(${storable(rows)}::jsonb) with ordinality as row
      where row.ordinality > fresh.skipped
    )
    select next, stale, contract_id from known`.execute(kysely(op.runtime.db.fork()));
  const known = answer.rows[0];
  if (!known) throw notFound('task', taskId);
  if (known.next < firstIndex) throw missingOutput(known.next, firstIndex);
  const nextIndex = Math.max(known.next, firstIndex + count);
  if (nextIndex > known.next)
    op.runtime.doorbell.ring([topics.contract(fromUuid('contract', known.contract_id))]);
  return { nextIndex, stale: known.stale };
}
