import { lockContractRow } from '../contracts/contract.access.ts';
import { Contract } from '../contracts/contract.entity.ts';
import { recordHistory } from '../events/history.ts';
import { authorize } from '../keys/permissions.ts';
import { once } from '../keys/requests.ts';
import { DomainError, invalidInput } from '../platform/errors.ts';
import { actorName } from '../platform/principal.ts';
import type { Operation } from '../platform/runtime.ts';
import { move } from '../platform/states.ts';
import { checkedText } from '../platform/text.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { takeBudgetAnswer } from './budget-question.ts';
import { tellAnswer } from './deliver-answers.ts';
import { endPhaseGuard } from './phase-guard.ts';
import type { Question } from './question.entity.ts';
import {
  closeQuestion,
  findQuestion,
  lockQuestion,
  logQuestion,
  numberQuestion,
} from './question.service.ts';
import { QUESTION_MOVES } from './question.states.ts';

/**
 * The owner answers. Of several answers one wins.
 * @throws DomainError QUESTION_CLOSED, INVALID_CHOICE, INVALID_INPUT when there is neither choice nor text
 */
export async function answerQuestion(
  op: Operation,
  input: {
    questionId: string;
    choices?: readonly string[] | null | undefined;
    text?: string | null | undefined;
    requestId?: string | null | undefined;
  },
): Promise<Question> {
  authorize(op.principal, 'own');
  const choices = [...(input.choices ?? [])];
  const text =
    input.text === null || input.text === undefined
      ? null
      : checkedText(input.text, 'text', 100_000).trim() || null;
  if (choices.length === 0 && text === null) throw invalidInput('text', 'An answer needs choices or a text.');
  return transact(op.runtime, async (tx) => {
    await lockContractOfBudget(tx, op, input.questionId);
    const { question, task } = await lockQuestion(tx, op, input.questionId);
    const request = {
      ownerId: question.ownerId,
      requestId: input.requestId,
      operation: 'answerQuestion',
      input,
    };
    await once(tx, request, async () => {
      assertAnswerable(question, tx.now);
      checkChoices(question, choices);
      move(QUESTION_MOVES, question, 'ANSWERED');
      question.response = text ?? choices.join(', ');
      question.answerChoices = choices;
      question.answerText = text;
      question.answeredBy = actorName(op.principal);
      question.answeredAt = tx.now;
      numberQuestion(tx, question, 'answered_change');
      logQuestion(tx, question, 'QUESTION_ANSWERED');
      // Nobody waits for the answer of these: their agents are told by a message at once.
      const isLate = question.timedOutAt !== null && question.timedOutAt !== undefined;
      if (question.nonBlocking || question.phaseguard || isLate) await tellAnswer(tx, task, question);
      const contract = await tx.em.findOneOrFail(Contract, { id: question.contractId });
      if (contract.budgetQuestionId === question.id) takeBudgetAnswer(tx, contract, question);
      else if (question.phaseguard)
        await endPhaseGuard(tx, contract, task, question, actorName(op.principal));
      recordHistory(tx, op, {
        action: 'question.answered',
        contractId: question.contractId,
        details: { questionId: question.id },
      });
      return question.id;
    });
    return question;
  });
}

/** The answer may change its contract, which comes before its task: so do all who lock both. */
async function lockContractOfBudget(tx: Transaction, op: Operation, questionId: string): Promise<void> {
  const { id, contractId } = await findQuestion(tx.em, op, questionId);
  const contract = await tx.em.findOneOrFail(Contract, { id: contractId });
  if (contract.budgetQuestionId === id) await lockContractRow(tx, contractId);
}

/**
 * Takes a question back that nobody needs an answer to any more. The asker, or the owner; a phase guard's asker goes on.
 * @throws DomainError QUESTION_CLOSED
 */
export async function withdrawQuestion(
  op: Operation,
  input: { questionId: string; requestId?: string | null | undefined },
): Promise<Question> {
  authorize(op.principal, 'ask');
  return transact(op.runtime, async (tx) => {
    const { question, task } = await lockQuestion(tx, op, input.questionId);
    const request = {
      ownerId: question.ownerId,
      requestId: input.requestId,
      operation: 'withdrawQuestion',
      input,
    };
    await once(tx, request, async () => {
      if (question.status !== 'PENDING') {
        throw new DomainError(
          'QUESTION_CLOSED',
          `The question ${question.id} is ${question.status} already: there is nothing to withdraw.`,
        );
      }
      closeQuestion(tx, question);
      recordHistory(tx, op, {
        action: 'question.withdrawn',
        contractId: question.contractId,
        taskId: task.id,
        details: { questionId: question.id },
      });
      const contract = await tx.em.findOneOrFail(Contract, { id: question.contractId });
      if (contract.budgetQuestionId !== question.id && question.phaseguard)
        await endPhaseGuard(tx, contract, task, question, actorName(op.principal));
      return question.id;
    });
    return question;
  });
}

function assertAnswerable(question: Question, now: Date): void {
  const expired = !question.keepOpen && question.expiresAt && question.expiresAt <= now;
  if (question.status === 'PENDING' && !expired) return;
  const why = question.status === 'PENDING' ? 'has timed out' : `is ${question.status}`;
  throw new DomainError(
    'QUESTION_CLOSED',
    `The question ${question.id} ${why} and takes no answer any more. Tell its asker with sendMessage.`,
  );
}

function checkChoices(question: Question, choices: readonly string[]): void {
  const unknown = choices.find((choice) => !question.choices.includes(choice));
  if (unknown !== undefined) {
    const offered = question.choices.map((choice) => JSON.stringify(choice)).join(', ') || 'none';
    throw new DomainError(
      'INVALID_CHOICE',
      `${JSON.stringify(unknown)} is not among the choices: ${offered}. Answer freely with text.`,
      {
        field: 'choices',
      },
    );
  }
  if (choices.length > 1 && !question.multiSelect) {
    throw new DomainError(
      'INVALID_CHOICE',
      'This question takes one choice. Take one, or answer freely with text.',
      { field: 'choices' },
    );
  }
}
