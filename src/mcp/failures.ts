import { ApiError, UnreachableError } from '../client/errors.ts';
import type { ErrorCode } from '../platform/errors.ts';

/** The server did not answer for as long as a call may take. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
}

/** The arguments do not fit; the message names each and says what it takes. */
export class ArgumentsError extends Error {
  override readonly name = 'ArgumentsError';
}

/** What to do about a refusal, where the message of the server alone does not tell a model. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  NOT_FOUND: 'contract_tree shows the tasks of the contract with their ids.',
  TASKS_RUNNING: 'Wait for them with wait_for_tasks, or call complete_contract with cancelTasks: true.',
  CONTRACT_CLOSED: 'The contract has ended: there is nothing more to do. End your turn.',
  NO_BRANCH:
    'A task without a working copy of its own worked in that of the supervisor: what it did is there already.',
  BUDGET_EXCEEDED:
    'The person has been asked to raise the budget. End your turn: you are woken when they do.',
  TARGET_DIRTY: 'Ask the person with ask_question to commit or stash what is in the way, then merge again.',
  TARGET_MOVED: 'Call the tool again.',
  NO_DAEMON:
    'No machine is connected that could do this. Wait a while and call again; ask the person when it stays so.',
  DAEMON_TIMEOUT: 'Call the tool again in a while.',
  OUTCOME_UNKNOWN: 'Look whether it was done (contract_tree, task_diff) before you call it again.',
  QUESTION_CLOSED: 'list_questions shows what came of it.',
  LOCAL_ONLY: 'Nothing of this contract may leave its machines. Merge with merge_task instead.',
  INVALID_TRANSITION: 'show_task says where the task stands.',
};

/** The key of a task is not valid any more, and never will be again. */
const ATTEMPT_OVER =
  'This attempt of your task is over: it was finished, cancelled, or started again elsewhere, and nothing you do ' +
  'counts any more. Stop working now and end your turn.';
const KEY_REFUSED =
  'The server does not take this key: it was revoked, or belongs to another server. Make another ' +
  '(taskmesh keys create --kind user) and start this MCP server again with it.';

/** What is told when the server does not take the key. */
export function keyRefused(isTask: boolean): string {
  return isTask ? ATTEMPT_OVER : KEY_REFUSED;
}

/** Whether the key is refused, for good. */
export function isKeyRefused(error: unknown): boolean {
  return error instanceof ApiError && (error.code === 'UNAUTHENTICATED' || error.code === 'STALE_ATTEMPT');
}

/** Whether it is not known what came of the call: the same again finds out, and does nothing twice. */
export function isUnresolved(error: unknown): boolean {
  if (error instanceof ApiError) return error.code === 'INTERNAL_SERVER_ERROR';
  return !(error instanceof ArgumentsError);
}

/** A failure in words that say what to do. */
export function explain(error: unknown): string {
  if (error instanceof ArgumentsError) return error.message;
  if (error instanceof NoAnswerError || error instanceof UnreachableError) {
    return (
      'No answer from Taskmesh in time. Nothing is lost. Call the same tool again with the same arguments: it takes ' +
      'this call up, and does nothing twice.'
    );
  }
  if (!(error instanceof ApiError)) return `Unexpected: ${error instanceof Error ? error.message : error}`;
  const advice = ADVICE[error.code as ErrorCode];
  const field = error.field && !error.message.includes(error.field) ? ` (argument ${error.field})` : '';
  return [`${error.code}: ${error.message}${field}`, advice].filter(Boolean).join('\n');
}
