import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import { contractIdOf, findContract } from '../contracts/contract.access.ts';
import { logEvent } from '../events/append.ts';
import { recordHistory } from '../events/history.ts';
import { authorize } from '../keys/permissions.ts';
import { once } from '../keys/requests.ts';
import { type EntityManager, kysely } from '../platform/database.ts';
import { topics } from '../platform/doorbell.ts';
import { DomainError, invalidInput, notFound } from '../platform/errors.ts';
import { type Id, newId, parseId, toUuid } from '../platform/ids.ts';
import { actorName, isTask } from '../platform/principal.ts';
import type { Operation } from '../platform/runtime.ts';
import { boundedInt, optionalText, requiredText } from '../platform/text.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { waitUntil } from '../platform/waiting.ts';
import { pauseLocked } from '../tasks/pause-task.ts';
import { Task } from '../tasks/task.entity.ts';
import { TaskMessage } from '../tasks/task-message.entity.ts';
import { type QUESTION_TYPES, Question, type QuestionStatus } from './question.entity.ts';

export interface AskQuestionInput {
  readonly contractId?: string | null | undefined;
  readonly question: string;
  readonly choices?: readonly string[] | null | undefined;
  readonly context?: string | null | undefined;
  readonly timeoutSeconds?: number | null | undefined;
  readonly multiSelect?: boolean | null | undefined;
  readonly questionType?: (typeof QUESTION_TYPES)[number] | null | undefined;
  readonly keepOpen?: boolean | null | undefined;
  readonly nonBlocking?: boolean | null | undefined;
  readonly phaseguard?: boolean | null | undefined;
  /** How long this call waits, when shorter than the question lives; `awaitAnswer` goes on waiting. */
  readonly waitSeconds?: number | null | undefined;
  readonly requestId?: string | null | undefined;
}

export interface AnswerResult {
  readonly question: Question;
  readonly outcome: 'ANSWERED' | 'TIMED_OUT' | 'PENDING';
}

/**
 * Asks the person and waits for the answer. The question is stored before anything waits: it outlives this call, the
 * client and the server. No answer is never consent: it is TIMED_OUT.
 */
export async function askQuestion(op: Operation, input: AskQuestionInput): Promise<AnswerResult> {
  authorize(op.principal, 'supervise');
  const checked = checkQuestion(input);
  const contractId = contractIdOf(op.principal, input.contractId);
  const id = await transact(op.runtime, async (tx) => {
    const found = await findContract(tx.em, op.principal, contractId);
    // A completion at the same moment comes before, and closes the contract, or after, and withdraws the question.
    const contract = await tx.em.refreshOrFail(found, { lockMode: LockMode.PESSIMISTIC_READ });
    const request = {
      ownerId: contract.ownerId,
      requestId: input.requestId,
      operation: 'askQuestion',
      input,
    };
    const { result } = await once(tx, request, async () => {
      if (contract.status !== 'ACTIVE') {
        throw new DomainError(
          'CONTRACT_CLOSED',
          `The contract ${contract.id} is closed: nobody would act on the answer.`,
        );
      }
      const taskId = await askerOf(tx, op, contract.id);
      if (checked.phaseguard) await pauseAsker(tx, taskId, actorName(op.principal));
      const question = tx.em.create(Question, {
        id: newId('question'),
        ownerId: contract.ownerId,
        contractId: contract.id,
        taskId,
        ...checked,
        expiresAt: checked.phaseguard ? null : new Date(tx.now.getTime() + checked.timeoutSeconds * 1_000),
        askedChange: await nextQuestionChange(tx, contract.ownerId),
        createdAt: tx.now,
      });
      logQuestion(tx, question, 'QUESTION_ASKED');
      await logQuestionOutput(tx, question);
      recordHistory(tx, op, {
        action: 'question.asked',
        contractId: contract.id,
        taskId,
        details: { questionId: question.id },
      });
      return question.id;
    });
    return result as Id<'question'>;
  });
  if (checked.nonBlocking || checked.phaseguard) return pending(op, id);
  return waitForAnswer(op, id, Math.min(input.waitSeconds ?? checked.timeoutSeconds, checked.timeoutSeconds));
}

/** Nobody waits: the answer comes as a message. */
async function pending(op: Operation, id: Id<'question'>): Promise<AnswerResult> {
  return { question: await op.runtime.db.fork().findOneOrFail(Question, { id }), outcome: 'PENDING' };
}

function checkQuestion(input: AskQuestionInput) {
  const choices = (input.choices ?? []).map((choice) => requiredText(choice, 'choices', 500));
  if (choices.length > 50) throw invalidInput('choices', 'At most 50 choices can be offered.');
  if (new Set(choices).size < choices.length) throw invalidInput('choices', 'Two choices are the same.');
  if (input.nonBlocking && input.phaseguard) {
    throw invalidInput('phaseguard', 'A question is either nonBlocking or a phaseguard, not both.');
  }
  if (input.multiSelect && choices.length === 0)
    throw invalidInput('multiSelect', 'multiSelect needs choices.');
  if (input.waitSeconds !== null && input.waitSeconds !== undefined)
    boundedInt(input.waitSeconds, 'waitSeconds', 0, 86_400);
  return {
    question: requiredText(input.question, 'question', 20_000),
    choices,
    context: optionalText(input.context, 'context', 100_000),
    timeoutSeconds: boundedInt(input.timeoutSeconds ?? 3_600, 'timeoutSeconds', 1, 86_400),
    multiSelect: input.multiSelect ?? false,
    questionType: input.questionType ?? ('GENERAL' as const),
    keepOpen: input.keepOpen ?? false,
    nonBlocking: input.nonBlocking ?? false,
    phaseguard: input.phaseguard ?? false,
  };
}

/** A supervisor asks for itself; what a user asks is asked in the supervisor's name. */
async function askerOf(tx: Transaction, op: Operation, contractId: Id<'contract'>): Promise<Id<'task'>> {
  if (isTask(op.principal)) return op.principal.taskId;
  const supervisor = await tx.em.findOne(Task, { contractId, role: 'SUPERVISOR' });
  if (supervisor) return supervisor.id;
  throw new DomainError('NO_SUPERVISOR', `The contract ${contractId} has no supervisor that could ask.`);
}

/** A phase guard holds its asker until the answer. */
async function pauseAsker(tx: Transaction, taskId: Id<'task'>, by: string): Promise<void> {
  const task = await tx.em.findOneOrFail(Task, { id: taskId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  if (task.status !== 'PAUSED') await pauseLocked(tx, task, by);
}

export async function nextQuestionChange(tx: Transaction, ownerId: Id<'owner'>): Promise<number> {
  const { rows } = await sql<{ last: number }>`
    update owner_counter set last_question_change = last_question_change + 1 where owner_id = ${toUuid(ownerId)}
    returning last_question_change as last`.execute(kysely(tx.em));
  if (!rows[0]) throw new Error(`owner ${ownerId} has no counter`);
  return rows[0].last;
}

export function logQuestion(
  tx: Transaction,
  question: Question,
  type: 'QUESTION_ASKED' | 'QUESTION_ANSWERED' | 'QUESTION_CLOSED',
): void {
  logEvent(tx, question.contractId, { type, taskId: question.taskId, data: { questionId: question.id } });
  tx.ring(topics.questions(question.ownerId));
}

async function logQuestionOutput(tx: Transaction, question: Question): Promise<void> {
  const task = await tx.em.findOneOrFail(Task, { id: question.taskId });
  const { choices, context, multiSelect, questionType } = question;
  logEvent(tx, question.contractId, {
    type: 'OUTPUT',
    taskId: question.taskId,
    data: {
      attempt: task.attempt,
      role: task.role,
      type: 'SUPERVISOR_QUESTION',
      content: question.question,
      toolInput: { questionId: question.id, choices, context, multiSelect, questionType },
      createdAt: tx.now.toISOString(),
    },
  });
}

/** Takes up the waiting for an answer again, after a cut or for another slice. */
export async function awaitAnswer(
  op: Operation,
  input: { questionId: string; timeoutSeconds?: number | null | undefined },
): Promise<AnswerResult> {
  authorize(op.principal, 'supervise');
  const seconds = boundedInt(input.timeoutSeconds ?? 50, 'timeoutSeconds', 0, 86_400);
  const question = await findQuestion(op.em, op, input.questionId);
  return waitForAnswer(op, question.id, seconds);
}

async function waitForAnswer(op: Operation, id: Id<'question'>, seconds: number): Promise<AnswerResult> {
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
  throw new DomainError('QUESTION_CLOSED', `The question ${question.id} was withdrawn.`);
}

/**
 * Closes the questions whose time is up; those that stay open are only marked, so that their asker stops waiting.
 * @param id only this one, when given
 */
export async function expireQuestions(runtime: Operation['runtime'], id?: Id<'question'>): Promise<void> {
  const due = {
    status: 'PENDING' as const,
    timedOutAt: null,
    expiresAt: { $lte: runtime.clock.now() },
    ...(id ? { id } : {}),
  };
  if ((await runtime.db.fork().count(Question, due)) === 0) return;
  await transact(runtime, async (tx) => {
    const questions = await tx.em.find(Question, due, {
      lockMode: LockMode.PESSIMISTIC_WRITE,
      limit: 100,
      orderBy: { id: 'asc' },
    });
    for (const question of questions) {
      question.timedOutAt = tx.now;
      if (!question.keepOpen) question.status = 'TIMED_OUT';
      logQuestion(tx, question, 'QUESTION_CLOSED');
    }
  });
}

/** The asker has the answer: it is not told again. A message that told it and was not read yet is taken back. */
export async function acknowledgeAnswer(op: Operation, input: { questionId: string }): Promise<Question> {
  authorize(op.principal, 'supervise');
  return transact(op.runtime, async (tx) => {
    const question = await findQuestion(tx.em, op, input.questionId, true);
    if (question.status !== 'ANSWERED') return question;
    question.toldAt ??= tx.now;
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
export async function findQuestion(
  em: EntityManager,
  op: Operation,
  questionId: string,
  lock = false,
): Promise<Question> {
  const id = parseId('question', questionId, 'questionId');
  const question = await em.findOne(
    Question,
    { id, ownerId: op.principal.ownerId },
    lock ? { lockMode: LockMode.PESSIMISTIC_WRITE } : {},
  );
  if (!question) throw notFound('question', id);
  await findContract(em, op.principal, question.contractId);
  return question;
}

/** Withdraws the open questions of a contract that is completed. */
export async function withdrawQuestions(tx: Transaction, contractId: Id<'contract'>): Promise<void> {
  const open = await tx.em.find(
    Question,
    { contractId, status: 'PENDING' },
    { lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { id: 'asc' } },
  );
  for (const question of open) {
    question.status = 'WITHDRAWN';
    logQuestion(tx, question, 'QUESTION_CLOSED');
  }
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

/** A contract's questions, oldest first. */
export async function listQuestions(
  op: Operation,
  contractId: string,
  status: QuestionStatus | null | undefined,
): Promise<Question[]> {
  authorize(op.principal, 'read');
  const contract = await findContract(op.em, op.principal, contractId);
  const where = { contractId: contract.id, ...(status ? { status } : {}) };
  return op.em.find(Question, where, { orderBy: { id: 'asc' }, limit: 1_000 });
}
