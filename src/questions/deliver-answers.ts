import { LockMode } from '@mikro-orm/core';
import type { Id } from '../platform/ids.ts';
import { allOneByOne } from '../platform/one-by-one.ts';
import type { Runtime } from '../platform/runtime.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { storeMessage } from '../tasks/message.service.ts';
import { Task } from '../tasks/task.entity.ts';
import { Question } from './question.entity.ts';

/** How long the asker has to acknowledge an answer that its waiting request returned. Milliseconds. */
export const ACKNOWLEDGE_MS = 10_000;
/** How many are looked at in one go. */
const PAGE = 100;

/**
 * Tells the answers that nobody acknowledged as messages to their agents: the asker's connection was cut, or it no
 * longer waits. Called again and again; each answer is told once.
 */
export async function deliverAnswers(runtime: Runtime): Promise<void> {
  const before = new Date(runtime.clock.now().getTime() - ACKNOWLEDGE_MS);
  const due = { status: 'ANSWERED' as const, toldAt: null, answeredAt: { $lte: before } };
  const read = (after: Id<'question'> | null) => {
    const behind = after ? { ...due, id: { $gt: after } } : due;
    return runtime.db.fork().find(Question, behind, { orderBy: { id: 'asc' }, limit: PAGE });
  };
  await allOneByOne(runtime, 'telling an answer', read, ({ id, taskId }) =>
    transact(runtime, async (tx) => {
      // The task before the question, as everybody who locks both does.
      const task = await tx.em.findOneOrFail(Task, { id: taskId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
      const question = await tx.em.findOne(
        Question,
        { ...due, id },
        { lockMode: LockMode.PESSIMISTIC_WRITE },
      );
      if (!question) return;
      await tellAnswer(tx, task, question);
    }),
  );
}

/**
 * Puts an answer into the inbox of its asker, which is locked. Told once: it counts as told from now on, also when the asker
 * has ended: its next attempt reads it.
 */
export async function tellAnswer(tx: Transaction, task: Task, question: Question): Promise<void> {
  question.toldAt = tx.now;
  const text = `A person answered your question ${question.id}.\nQuestion: ${question.question}\nAnswer: ${question.response}`;
  question.messageId = (
    await storeMessage(tx, task, { sender: 'PERSON', by: question.answeredBy ?? 'person' }, text)
  ).id;
}
