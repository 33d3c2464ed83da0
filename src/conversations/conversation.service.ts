import { sql } from 'kysely';
import { type EntityManager, kysely } from '../platform/database.ts';
import { type Id, newId, toUuid } from '../platform/ids.ts';
import type { SpawnTaskPayload } from '../platform/protocol.ts';
import type { Transaction } from '../platform/transaction.ts';
import { ConversationMessage, type TurnRole } from './conversation-message.entity.ts';

/** Something an agent was told or said, or a further piece of it. */
export interface Turn {
  readonly role: TurnRole;
  readonly content: string;
  readonly attempt: number;
  /** Pieces of one message share it. */
  readonly source: string;
  readonly isPartial: boolean;
}

/** Longest message that is kept whole, in characters: one that goes on is cut here. */
const MAX_CONTENT = 1_000_000;

/**
 * Adds to a task's conversation. The caller passes each piece once.
 * The log's counter serialises it, as it does the log itself: numbers and predecessors never race.
 */
export async function recordTurns(
  tx: Transaction,
  contractId: Id<'contract'>,
  taskId: Id<'task'>,
  turns: readonly Turn[],
): Promise<void> {
  if (turns.length === 0) return;
  const db = kysely(tx.statements);
  const task = toUuid(taskId);
  // What a foreign key will ask for, before the counter: who holds the task is about to need that.
  await sql`select 1 from task where id = ${task} for key share`.execute(db);
  await sql`select 1 from contract_counter where contract_id = ${toUuid(contractId)} for update`.execute(db);
  for (const { role, content, attempt, source, isPartial } of joined(turns)) {
    await sql`
      insert into conversation_message
        (id, task_id, number, role, content, attempt, source, is_partial, previous_id, created_at)
      values (${toUuid(newId('turn'))}, ${task},
        (select coalesce(max(number), 0) + 1 from conversation_message where task_id = ${task}),
        ${role}, ${content.slice(0, MAX_CONTENT)}, ${attempt}, ${source}, ${isPartial},
        (select id from conversation_message where task_id = ${task} and removed_at is null order by number desc limit 1),
        ${tx.now.toISOString()})
      on conflict (task_id, attempt, source) do update
        set content = left(conversation_message.content || excluded.content, ${MAX_CONTENT}::int), is_partial = excluded.is_partial`.execute(
      db,
    );
  }
}

/** Pieces of one message that come together are one. */
function joined(turns: readonly Turn[]): Turn[] {
  const whole: Turn[] = [];
  for (const turn of turns) {
    const last = whole.at(-1);
    if (last?.source === turn.source && last.attempt === turn.attempt)
      whole[whole.length - 1] = { ...turn, content: last.content + turn.content };
    else whole.push(turn);
  }
  return whole;
}

/** A task's conversation as it is now, first to last. */
export function keptMessages(em: EntityManager, taskId: Id<'task'>): Promise<ConversationMessage[]> {
  return em.find(ConversationMessage, { taskId, removedAt: null }, { orderBy: { number: 'asc' } });
}

/** The last message of a task's conversation, or null when there is none. */
export async function lastMessage(
  em: EntityManager,
  taskId: Id<'task'>,
): Promise<ConversationMessage | null> {
  const where = { taskId, removedAt: null };
  const [last] = await em.find(ConversationMessage, where, { orderBy: { number: 'desc' }, limit: 1 });
  return last ?? null;
}

/**
 * Makes a message, and those before it at its time, the conversation; all others are marked as removed. What was removed
 * before comes back when it is among them. null empties the conversation.
 * @returns how many messages were removed, and how many there are now
 */
export async function goBackTo(
  tx: Transaction,
  taskId: Id<'task'>,
  messageId: Id<'turn'> | null,
): Promise<{ removed: number; kept: number }> {
  const task = toUuid(taskId);
  const { rows } = await sql<{ removed: number; kept: number }>`
    with recursive chain as (
      select id, previous_id from conversation_message
      where task_id = ${task} and id = ${messageId === null ? null : toUuid(messageId)}::uuid
      union all
      select m.id, m.previous_id from conversation_message m join chain on m.id = chain.previous_id
    ), removed as (
      update conversation_message set removed_at = ${tx.now.toISOString()}
      where task_id = ${task} and removed_at is null and id not in (select id from chain) returning 1
    ), back as (
      update conversation_message set removed_at = null
      where removed_at is not null and id in (select id from chain) returning 1
    )
    select (select count(*) from removed)::int as removed, (select count(*) from chain)::int as kept,
      (select count(*) from back)::int as back`.execute(kysely(tx.statements));
  const [counts] = rows;
  if (!counts) throw new Error('counting gives a row');
  return { removed: counts.removed, kept: counts.kept };
}

/** What a new session is told of a conversation, in characters: the end of it, since a command must fit the database. */
const MAX_TOLD = 200_000;

/** A conversation as a new session of an agent is told it: the latest of it that fits. */
export async function conversationSoFar(
  em: EntityManager,
  taskId: Id<'task'>,
): Promise<SpawnTaskPayload['conversation']> {
  const told: SpawnTaskPayload['conversation'] = [];
  let room = MAX_TOLD;
  for (const { role, content } of (await keptMessages(em, taskId)).reverse()) {
    if (content.length > room) {
      told.unshift({ role: 'SYSTEM', content: 'Earlier messages are left out here.' });
      break;
    }
    room -= content.length;
    told.unshift({ role, content });
  }
  return told;
}
