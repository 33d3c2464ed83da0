/**
 * Every code that `extensions.code` of a GraphQL error may have, with what it means and what to do next. The API shows them as
 * the values of its enum ErrorCode.
 */
export const ERROR_CODES = {
  UNAUTHENTICATED:
    'No key, or one that is unknown, expired or revoked. Make another with createKey, or on the server with `taskmesh keys create --local`; an agent stops.',
  FORBIDDEN:
    'The object is yours, but this kind of key may not do that to it. Use a key of the kind that the message names.',
  NOT_FOUND: 'There is no such object among those of this owner. Check the id.',
  NOT_SUPERVISOR:
    'A supervisor operation was called with the tool key of another kind of task. Leave it to the supervisor.',
  CONTRACT_MISMATCH:
    'A tool key was used for something of another contract than its own. Leave the contract out: the key implies it.',
  INVALID_INPUT:
    'An argument is not acceptable; `extensions.field` names it and the message says what would be.',
  INVALID_TRANSITION:
    'The object is in a state from which this is not possible; the message says which would do. docs/STATES.md has all of them.',
  REQUEST_ID_REUSED:
    'The same requestId came before with a different input. Take a new one for a new request.',
  CONTRACT_CLOSED: 'The contract is completed or archived and takes no new work. Open another one.',
  TASKS_RUNNING: 'Work tasks still run. Wait for them, or complete with `cancelTasks`.',
  MISSING_REPOSITORY:
    'No repository was given and the contract has none. Pass repositoryUrl, or add one with addRepository.',
  NO_BRANCH:
    "The task has no branch of its own to merge. It works in the supervisor's copy, where its changes are already: there is nothing to do.",
  NO_DAEMON:
    'No connected daemon can do this now. Start the one that the message names, or any where it names none.',
  BUDGET_EXCEEDED: 'The contract has cost as much as its budget allows. Raise it with updateContract.',
  ALREADY_RUNNING:
    'The supervisor runs, on a daemon that is connected. Send it a message, or pause it first.',
  COPY_IN_USE: 'Tasks run in the working copy that was to be changed. Wait for them, or cancel them.',
  NO_CHECKPOINT:
    'There is no checkpoint to go back to, or to bring a branch over by. Make one with createCheckpoint.',
  NO_SUPERVISOR: 'The contract was opened without a supervisor. Do it yourself, or open another with one.',
  LOCAL_ONLY:
    'The contract is local-only: nothing may leave the machines of its daemons. Allow it with updateContract.',
  DAEMON_TIMEOUT: 'The daemon did not answer in time. Try again.',
  COMMAND_FAILED:
    'The daemon could not do it; the message says why. Mend that, then repeat with a new requestId.',
  OUTCOME_UNKNOWN: 'The daemon was interrupted and cannot tell whether it was done. Look, then repeat.',
  TARGET_DIRTY:
    'The target is checked out with uncommitted changes, or is in the middle of a merge or rebase. Commit or end that, then repeat.',
  TARGET_MOVED: 'The target moved while it was written. Repeat.',
  REPOSITORY_NOT_FOUND:
    'The git repository is not there, is empty, or cannot be reached. Check its URL or path, and what the daemon may use.',
  FORBIDDEN_PATH: 'The path leaves the working copy. Give one inside of it, relative to its root.',
  QUESTION_CLOSED:
    'The question was answered, withdrawn or has timed out. Look at it, or send its asker a message.',
  INVALID_CHOICE: 'The answer is not among the choices offered. Take one of them, or answer with text.',
  CURSOR_INVALID:
    'The log has no such position: it lies beyond the end, or was pruned. Start from `extensions.pruned`, or read from 0.',
  STALE_ATTEMPT: 'The task was started again since; this attempt may not act any more. Stop its agent.',
  STALE_EPOCH:
    'The daemon connected again since; this connection may not act any more. `extensions.reason` says whether to register again.',
  OUTPUT_GAP: 'Output before this batch is missing. Go on from `extensions.nextIndex`.',
  SHUTTING_DOWN: 'The server is stopping. Connect again, and repeat the call as it is.',
  UNAVAILABLE:
    'The database is away for a moment. Repeat the call as it is; whether this one was done is not known.',
  RATE_LIMITED:
    'Too many of these within the time. Come again after `extensions.retryAfter` seconds where it says so, or keep to what matters.',
  PAYLOAD_TOO_LARGE: 'The request is larger than this kind of key may send. Send less at once.',
  DOCUMENT_TOO_LARGE: 'The document is too long, deep, wide or costly. Ask for less at once.',
  GRAPHQL_PARSE_FAILED: 'The document is not GraphQL. The message says where it stops being so.',
  GRAPHQL_VALIDATION_FAILED: 'The document does not fit the schema. The message says what does not.',
  INTERNAL_SERVER_ERROR: "Something unexpected; `extensions.requestId` finds it in the server's log.",
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ErrorDetails {
  /** The input field at fault, as the caller wrote it. */
  readonly field?: string;
  /** Further `extensions` of the GraphQL error. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** A refusal that the caller is told as it is. Anything else that is thrown is masked as INTERNAL_SERVER_ERROR. */
export class DomainError extends Error {
  override readonly name = 'DomainError';
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly extensions: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.field = details.field;
    this.extensions = details.extensions ?? {};
  }
}

export function invalidInput(field: string, message: string): DomainError {
  return new DomainError('INVALID_INPUT', message, { field });
}

/** The same whether the object does not exist or is another owner's: neither is ever confirmed. */
export function notFound(what: string, id: string): DomainError {
  return new DomainError('NOT_FOUND', `There is no ${what} ${id}. Check the id.`);
}
