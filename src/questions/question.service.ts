import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { findContract } from '../contracts/contract.access.ts';
import { recordTurns } from '../conversations/conversation.service.ts';
import { callingDaemonId } from '../daemons/command.service.ts';
import { logEvent } from '../events/append.ts';
import { authorize } from '../keys/permissions.ts';
import { type EntityManager, kysely } from '../platform/database.ts';
import { topics } from '../platform/doorbell.ts';
import { DomainError, notFound } from '../platform/errors.ts';
import { fromUuid, type Id, parseId, toUuid } from '../platform/ids.ts';
import { allOneByOne } from '../platform/one-by-one.ts';
import { readRows } from '../platform/read-rows.ts';
import type { Operation } from '../platform/runtime.ts';
import { move } from '../platform/states.ts';
import { boundedInt } from '../platform/text.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { waitUntil } from '../platform/waiting.ts';
import { Task } from '../tasks/task.entity.ts';
import { TaskAttempt } from '../tasks/task-attempt.entity.ts';
import { TaskMessage } from '../tasks/task-message.entity.ts';
import { Question } from './question.entity.ts';
import { QUESTION_MOVES, type QuestionStatus } from './question.states.ts';

export interface AnswerResult {
  readonly question: Question;
  readonly outcome: 'ANSWERED' | 'TIMED_OUT' | 'PENDING';
}

/**
 * Gives a question its place in the owner's sequence of questions asked, or answered, last of all in the transaction: the
 * counter's lock makes the order of places that of commits, and who waits for it holds what others wait for.
 */
export function numberQuestion(
  tx: Transaction,
  { id, ownerId }: Question,
  column: 'asked_change' | 'answered_change',
): void {
  tx.afterLog(async (last) => {
    await sql`${last}
      with counter as (
        update owner_counter set last_question_change = last_question_change + 1 where owner_id = ${toUuid(ownerId)}
        returning last_question_change as place
      )
      update question set ${sql.ref(column)} = (select place from counter) where id = ${toUuid(id)}`.execute(
      kysely(tx.statements),
    );
  });
}

export function logQuestion(
  tx: Transaction,
  question: Question,
  type: 'QUESTION_ASKED' | 'QUESTION_ANSWERED' | 'QUESTION_CLOSED',
): void {
  logEvent(tx, question.contractId, { type, taskId: question.taskId, data: { questionId: question.id } });
  tx.ring(topics.questions(question.ownerId));
}

/** Takes up the waiting for an answer again, after a cut or for another slice. */
export async function awaitAnswer(
  op: Operation,
  input: { questionId: string; timeoutSeconds?: number | null | undefined },
): Promise<AnswerResult> {
  authorize(op.principal, 'ask');
  const seconds = boundedInt(input.timeoutSeconds ?? 50, 'timeoutSeconds', 0, 86_400);
  const question = await findQuestion(op.em, op, input.questionId);
  return waitForAnswer(op, question.id, seconds);
}

/** Waits until a question has an answer, its time is up, or the seconds are over. */
export async function waitForAnswer(
  op: Operation,
  id: Id<'question'>,
  seconds: number,
): Promise<AnswerResult> {
  const { runtime } = op;
  const read = () => runtime.db.fork().findOneOrFail(Question, { id });
  const first = await read();
  const left = (first.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY) - runtime.clock.now().getTime();
  const wait = Math.max(0, Math.min(seconds * 1_000, left));
  await waitUntil(runtime, [topics.questions(first.ownerId)], wait, op.signal, async () => {
    const question = await read();
    return question.status === 'PENDING' && !question.timedOutAt ? null : question;
  });
  await expireQuestions(runtime, id);
  const question = await read();
  if (question.status === 'ANSWERED') return { question, outcome: 'ANSWERED' };
  if (question.status === 'TIMED_OUT' || question.timedOutAt) return { question, outcome: 'TIMED_OUT' };
  if (question.status === 'PENDING') return { question, outcome: 'PENDING' };
  throw new DomainError(
    'QUESTION_CLOSED',
    `The question ${question.id} was withdrawn. Go on without its answer, or ask anew.`,
  );
}

/** How many questions are looked at in one go. */
const PAGE = 100;

/**
 * Closes the questions whose time is up; those that stay open are only marked, so that their asker stops waiting.
 * @param id only this one, when given
 */
export async function expireQuestions(runtime: Operation['runtime'], id?: Id<'question'>): Promise<void> {
  const due = {
    status: 'PENDING' as const,
    timedOutAt: null,
    expiresAt: { $lte: runtime.clock.now() },
  };
  const which = { ...due, ...(id ? { id } : {}) };
  const read = (after: Id<'question'> | null) => {
    const behind = after ? { ...which, $and: [{ id: { $gt: after } }] } : which;
    return runtime.db.fork().find(Question, behind, { limit: PAGE, orderBy: { id: 'asc' } });
  };
  await allOneByOne(runtime, 'closing a question', read, (expired) =>
    transact(runtime, async (tx) => {
      const locked = { lockMode: LockMode.PESSIMISTIC_WRITE };
      const question = await tx.em.findOne(Question, { ...due, id: expired.id }, locked);
      if (!question) return;
      question.timedOutAt = tx.now;
      if (!question.keepOpen) move(QUESTION_MOVES, question, 'TIMED_OUT');
      logQuestion(tx, question, 'QUESTION_CLOSED');
    }),
  );
}

/** The asker has the answer: it is not told again. A message that told it and was not read yet is taken back. */
export async function acknowledgeAnswer(op: Operation, input: { questionId: string }): Promise<Question> {
  authorize(op.principal, 'ask');
  return transact(op.runtime, async (tx) => {
    const { question, task } = await lockQuestion(tx, op, input.questionId);
    if (question.status !== 'ANSWERED') return question;
    if (!question.toldAt) {
      question.toldAt = tx.now;
      if (question.attempt == null) await recordAnswer(tx, task, question);
    }
    if (question.messageId) {
      await tx.em.nativeUpdate(
        TaskMessage,
        { id: question.messageId, deliveredAt: null },
        { deliveredAt: tx.now },
      );
    }
    return question;
  });
}

/** @throws DomainError NOT_FOUND also for another owner's, CONTRACT_MISMATCH for a tool key of another contract */
export async function findQuestion(em: EntityManager, op: Operation, questionId: string): Promise<Question> {
  const id = parseId('question', questionId, 'questionId');
  const question = await em.findOne(Question, { id, ownerId: op.principal.ownerId });
  if (!question || !(await mayTouch(em, op, question))) throw notFound('question', id);
  await findContract(em, op.principal, question.contractId);
  return question;
}

/** The task before its question, as everybody who locks both does. */
export async function lockQuestion(
  tx: Transaction,
  op: Operation,
  questionId: string,
): Promise<{ question: Question; task: Task }> {
  const { id, taskId } = await findQuestion(tx.em, op, questionId);
  const task = await tx.em.findOneOrFail(Task, { id: taskId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  const locked = { lockMode: LockMode.PESSIMISTIC_WRITE, refresh: true };
  return { task, question: await tx.em.findOneOrFail(Question, { id }, locked) };
}

/** An answer that a waiting request returned is part of what the supervisor was told. */
function recordAnswer(tx: Transaction, task: Task, question: Question): Promise<void> {
  const content = `Answer to your question "${question.question}": ${question.response}`;
  const turn = { role: 'USER' as const, content, attempt: task.attempt, isPartial: false };
  return recordTurns(tx, question.contractId, task.id, [{ ...turn, source: `answer ${question.id}` }]);
}

/** A daemon has to do with the questions that it asked in the name of its agents, and with no others. */
async function mayTouch(em: EntityManager, op: Operation, { taskId, attempt }: Question): Promise<boolean> {
  if (op.principal.kind !== 'DAEMON') return true;
  if (attempt === null || attempt === undefined) return false;
  return (await em.count(TaskAttempt, { taskId, attempt, daemonId: callingDaemonId(op) })) > 0;
}

/**
 * Withdraws the questions that daemons asked in the name of agents that are gone: nobody would take the answer to what
 * an agent was about to do.
 */
export async function withdrawOrphans(runtime: Operation['runtime']): Promise<void> {
  const read = async (after: string | null) => {
    const { rows } = await sql<{ id: string }>`
      select q.id from question q join task t on t.id = q.task_id
      where q.status = 'PENDING' and q.attempt is not null and (
          q.attempt <> t.attempt or t.status not in ('STARTING', 'RUNNING', 'CANCELLING'))
        and (${after}::uuid is null or q.id > ${after}::uuid)
      order by q.id limit ${PAGE}`.execute(kysely(runtime.db.statements));
    return rows;
  };
  await allOneByOne(runtime, 'withdrawing a question', read, (row) =>
    transact(runtime, async (tx) => {
      const question = await tx.em.findOneOrFail(
        Question,
        { id: fromUuid('question', row.id) },
        { lockMode: LockMode.PESSIMISTIC_WRITE },
      );
      if (question.status === 'PENDING') closeQuestion(tx, question);
    }),
  );
}

/** Withdraws a locked question that is pending. */
export function closeQuestion(tx: Transaction, question: Question): void {
  move(QUESTION_MOVES, question, 'WITHDRAWN');
  logQuestion(tx, question, 'QUESTION_CLOSED');
}

/** Withdraws the open questions of a contract that is completed. */
export async function withdrawQuestions(tx: Transaction, contractId: Id<'contract'>): Promise<void> {
  const open = await tx.em.find(
    Question,
    { contractId, status: 'PENDING' },
    { lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { id: 'asc' } },
  );
  for (const question of open) closeQuestion(tx, question);
}

/** Questions that wait for a person, oldest first: of one contract, or of all the owner has. */
export async function pendingQuestions(
  op: Operation,
  contractId: string | null | undefined,
): Promise<Question[]> {
  authorize(op.principal, contractId ? 'read' : 'own');
  const contract = contractId ? await findContract(op.em, op.principal, contractId) : null;
  return op.em.find(
    Question,
    { ownerId: op.principal.ownerId, status: 'PENDING', ...(contract ? { contractId: contract.id } : {}) },
    { orderBy: { id: 'asc' }, limit: 500 },
  );
}

/**
 * A contract's questions, oldest first.
 * @param only what to read of each; null: all
 */
export async function listQuestions(
  op: Operation,
  contractId: string,
  status: QuestionStatus | null | undefined,
  only: ReadonlySet<string> | null,
): Promise<Question[]> {
  authorize(op.principal, 'read');
  const contract = await findContract(op.em, op.principal, contractId);
  const where = { contractId: contract.id, ...(status ? { status } : {}) };
  return readRows(op.em, Question, where, 'id', { limit: 1_000, only });
}
