/** Every code that `extensions.code` of a GraphQL error may have, with what it means. Shown in the API's documentation. */
export const ERROR_CODES = {
  UNAUTHENTICATED: 'No key, or one that is unknown, expired or revoked.',
  FORBIDDEN: 'The object is yours, but this kind of key may not do that to it.',
  NOT_FOUND: 'There is no such object among those of this owner.',
  NOT_SUPERVISOR: 'A supervisor operation was called with the tool key of another kind of task.',
  CONTRACT_MISMATCH: 'A supervisor named something of another contract than its own.',
  INVALID_INPUT: 'An argument is not acceptable; `extensions.field` names it.',
  INVALID_TRANSITION: 'The object is in a state from which this is not possible.',
  REQUEST_ID_REUSED: 'The same requestId came before with a different input.',
  CONTRACT_CLOSED: 'The contract is completed or archived and takes no new work.',
  TASKS_RUNNING: 'Work tasks still run; wait for them, or complete with `cancelTasks`.',
  MISSING_REPOSITORY: 'No repository was given and the contract has none.',
  NO_BRANCH: 'The task has no branch of its own to merge.',
  NO_DAEMON: 'No connected daemon can do this now.',
  BUDGET_EXCEEDED: 'The contract has cost as much as its budget allows; raise it with updateContract.',
  ALREADY_RUNNING: 'The supervisor runs, on a daemon that is connected.',
  COPY_IN_USE: 'Tasks run in the working copy that was to be changed; wait for them, or cancel them.',
  NO_CHECKPOINT: 'There is no checkpoint to go back to.',
  NO_SUPERVISOR: 'The contract has no supervisor yet.',
  LOCAL_ONLY: 'The contract is local-only: nothing may leave the machines of its daemons.',
  DAEMON_TIMEOUT: 'The daemon did not answer in time.',
  COMMAND_FAILED: 'The daemon could not do it; the message says why.',
  OUTCOME_UNKNOWN: 'The daemon was interrupted and cannot tell whether it was done; look, then repeat.',
  TARGET_DIRTY:
    'The target is checked out with uncommitted changes, or is in the middle of a merge or rebase.',
  TARGET_MOVED: 'The target moved while it was written; repeat.',
  REPOSITORY_NOT_FOUND: 'The git repository is not there, is empty, or cannot be reached.',
  FORBIDDEN_PATH: 'The path leaves the working copy.',
  QUESTION_CLOSED: 'The question was answered, withdrawn or has timed out.',
  INVALID_CHOICE: 'The answer is not among the choices offered.',
  CURSOR_INVALID: 'The log has no such position: it lies beyond the end, or was pruned.',
  STALE_ATTEMPT: 'The task was started again since; this attempt may not act any more.',
  STALE_EPOCH: 'The daemon connected again since; this connection may not act any more.',
  OUTPUT_GAP: 'Output before this batch is missing; go on from `extensions.nextIndex`.',
  SHUTTING_DOWN: 'The server is stopping; connect again.',
  UNAVAILABLE:
    'The database is away for a moment. Repeat the call as it is; whether this one was done is not known.',
  RATE_LIMITED:
    'Too many of these within the time; come again after `extensions.retryAfter` seconds where it says so, or keep to what matters.',
  PAYLOAD_TOO_LARGE: 'The request is larger than this kind of key may send.',
  DOCUMENT_TOO_LARGE: 'The document is too long, deep, wide or costly; ask for less at once.',
  GRAPHQL_PARSE_FAILED: 'The document is not GraphQL.',
  GRAPHQL_VALIDATION_FAILED: 'The document does not fit the schema.',
  INTERNAL_SERVER_ERROR: 'Something unexpected; `extensions.requestId` finds it in the log.',
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
