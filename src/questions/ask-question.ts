import { randomInt } from 'node:crypto';
import { LockMode } from '@mikro-orm/core';
import { contractIdOf, findContract, shareContract } from '../contracts/contract.access.ts';
import type { Contract } from '../contracts/contract.entity.ts';
import { recordTurns } from '../conversations/conversation.service.ts';
import { callingDaemonId } from '../daemons/command.service.ts';
import { recordHistory } from '../events/history.ts';
import { authorize } from '../keys/permissions.ts';
import { once } from '../keys/requests.ts';
import { DomainError, invalidInput } from '../platform/errors.ts';
import { type Id, newId, parseId } from '../platform/ids.ts';
import { actorName, isTask, type TaskPrincipal } from '../platform/principal.ts';
import type { Operation } from '../platform/runtime.ts';
import { boundedInt, optionalText, requiredText } from '../platform/text.ts';
import { type Transaction, transact } from '../platform/transaction.ts';
import { findAttempt } from '../tasks/attempt.access.ts';
import { logOutput } from '../tasks/log-output.ts';
import { pauseLocked } from '../tasks/pause-task.ts';
import { noSupervisor } from '../tasks/task.access.ts';
import { Task } from '../tasks/task.entity.ts';
import { type QUESTION_TYPES, Question } from './question.entity.ts';
import { type AnswerResult, logQuestion, numberQuestion, waitForAnswer } from './question.service.ts';

export interface AskQuestionInput {
  readonly contractId?: string | null | undefined;
  /** For a daemon that asks in its agent's name: the task, and its attempt. */
  readonly taskId?: string | null | undefined;
  readonly attempt?: number | null | undefined;
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

/** Who asks: a task, or in its agent's name the daemon of one of its attempts. */
interface Asker {
  readonly contractId: Id<'contract'>;
  readonly taskId: Id<'task'>;
  readonly attempt: number | null;
}

/**
 * Asks the person and waits for the answer. The question is stored before anything waits: it outlives this call, the
 * client and the server. No answer is never consent: it is TIMED_OUT.
 * @throws DomainError CONTRACT_CLOSED, NO_SUPERVISOR, INVALID_INPUT; for daemons NOT_FOUND, STALE_ATTEMPT
 */
export async function askQuestion(op: Operation, input: AskQuestionInput): Promise<AnswerResult> {
  authorize(op.principal, 'ask');
  const checked = checkQuestion(input);
  const id = await transact(op.runtime, async (tx) => {
    const asker = await askerOf(tx, op, input);
    const contract = await shareContract(tx, op.principal, asker.contractId);
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
          `The contract ${contract.id} is ${contract.status.toLowerCase()}: nobody would act on the answer. Open another one.`,
        );
      }
      if (checked.phaseguard) await pauseAsker(tx, asker.taskId, actorName(op.principal));
      const question = await storeQuestion(tx, contract, asker, checked);
      if (isTask(op.principal)) await recordQuestion(tx, op.principal, question);
      recordHistory(tx, op, {
        action: 'question.asked',
        contractId: contract.id,
        taskId: asker.taskId,
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

export type CheckedQuestion = ReturnType<typeof checkQuestion>;

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

/**
 * A supervisor asks for itself; what a user asks is asked in the supervisor's name, what a daemon asks in the name of an
 * agent that it runs.
 */
async function askerOf(tx: Transaction, op: Operation, input: AskQuestionInput): Promise<Asker> {
  const { principal } = op;
  if (principal.kind === 'DAEMON') return askingAgent(tx, op, input);
  if (input.taskId) throw invalidInput('taskId', 'taskId is for daemons: leave it out.');
  const contractId = contractIdOf(principal, input.contractId);
  if (isTask(principal)) return { contractId, taskId: principal.taskId, attempt: null };
  await findContract(tx.em, principal, contractId);
  const supervisor = await tx.em.findOne(Task, { contractId, role: 'SUPERVISOR' });
  if (supervisor) return { contractId, taskId: supervisor.id, attempt: null };
  throw noSupervisor(contractId);
}

async function askingAgent(tx: Transaction, op: Operation, input: AskQuestionInput): Promise<Asker> {
  const daemonId = callingDaemonId(op);
  const { attempt } = input;
  if (!input.taskId || attempt === null || attempt === undefined)
    throw invalidInput('taskId', 'A daemon asks for a task: name taskId and attempt.');
  if (input.phaseguard)
    throw invalidInput('phaseguard', 'Only a supervisor itself can ask with a phaseguard.');
  const task = await findAttempt(tx.em, daemonId, parseId('task', input.taskId, 'taskId'), attempt);
  return { contractId: task.contractId, taskId: task.id, attempt };
}

/** What a supervisor asks is part of what it said. */
function recordQuestion(tx: Transaction, asker: TaskPrincipal, question: Question): Promise<void> {
  const { choices, contractId, taskId } = question;
  const offered = choices.length > 0 ? ` [${choices.join(' | ')}]` : '';
  const content = `I asked the person: ${question.question}${offered}`;
  const turn = { role: 'ASSISTANT' as const, content, attempt: asker.attempt, isPartial: false };
  return recordTurns(tx, contractId, taskId, [{ ...turn, source: `question ${question.id}` }]);
}

/** A phase guard holds its asker until the answer. */
async function pauseAsker(tx: Transaction, taskId: Id<'task'>, by: string): Promise<void> {
  const task = await tx.em.findOneOrFail(Task, { id: taskId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  if (task.status !== 'PAUSED') await pauseLocked(tx, task, by);
}

/** Stores a question with its events. Of a closed contract it is the caller's to refuse. */
export async function storeQuestion(
  tx: Transaction,
  contract: Contract,
  { taskId, attempt }: Pick<Asker, 'taskId' | 'attempt'>,
  checked: CheckedQuestion,
): Promise<Question> {
  const question = tx.em.create(Question, {
    id: newId('question'),
    ownerId: contract.ownerId,
    contractId: contract.id,
    taskId,
    attempt,
    ...checked,
    expiresAt: checked.phaseguard ? null : new Date(tx.now.getTime() + checked.timeoutSeconds * 1_000),
    // Nobody else's, until it is numbered.
    askedChange: -randomInt(1, 2 ** 31),
    createdAt: tx.now,
  });
  numberQuestion(tx, question, 'asked_change');
  logQuestion(tx, question, 'QUESTION_ASKED');
  await logQuestionOutput(tx, question);
  return question;
}

async function logQuestionOutput(tx: Transaction, question: Question): Promise<void> {
  const task = await tx.em.findOneOrFail(Task, { id: question.taskId });
  const { choices, context, multiSelect, questionType } = question;
  logOutput(tx, task, 'SUPERVISOR_QUESTION', question.question, {
    toolInput: { questionId: question.id, choices, context, multiSelect, questionType },
  });
}
