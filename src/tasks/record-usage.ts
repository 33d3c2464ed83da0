import { sql } from 'kysely';
import { kysely } from '../platform/database.ts';
import { topics } from '../platform/doorbell.ts';
import { invalidInput } from '../platform/errors.ts';
import { type Id, toUuid } from '../platform/ids.ts';
import { boundedInt } from '../platform/text.ts';
import type { Transaction } from '../platform/transaction.ts';

/** What one attempt has used so far, as its agent says: totals, so that the same again changes nothing. */
export interface Usage {
  /** US dollars. */
  readonly costUsd: number;
  readonly tokens: number;
}

const MAX_COST = 1_000_000;
const MAX_TOKENS = 2_000_000_000;

/** Counts what an attempt used, for it, its task and its contract. Totals that are lower than before are of a late batch. */
export async function recordUsage(
  tx: Transaction,
  of: { contractId: Id<'contract'>; taskId: Id<'task'>; attempt: number; usage: Usage },
): Promise<void> {
  const { costUsd, tokens } = of.usage;
  if (!(costUsd >= 0 && costUsd <= MAX_COST))
    throw invalidInput('usage.costUsd', `usage.costUsd lies between 0 and ${MAX_COST}.`);
  boundedInt(tokens, 'usage.tokens', 0, MAX_TOKENS);
  const task = toUuid(of.taskId);
  await sql`
    with before as (
      select cost_usd, tokens from task_attempt where task_id = ${task} and attempt = ${of.attempt}
    ), added as (
      select greatest(${costUsd}::float8 - cost_usd, 0) as cost, greatest(${tokens}::bigint - tokens, 0) as tokens from before
    ), attempt as (
      update task_attempt a set cost_usd = a.cost_usd + added.cost, tokens = a.tokens + added.tokens
      from added where a.task_id = ${task} and a.attempt = ${of.attempt}
    ), task as (
      update task t set cost_usd = t.cost_usd + added.cost, tokens = t.tokens + added.tokens
      from added where t.id = ${task} and (added.cost > 0 or added.tokens > 0)
    )
    update contract_counter c set cost_usd = c.cost_usd + added.cost, tokens = c.tokens + added.tokens
    from added where c.contract_id = ${toUuid(of.contractId)} and (added.cost > 0 or added.tokens > 0)`.execute(
    kysely(tx.statements),
  );
  tx.ring(topics.supervision(of.contractId));
}
