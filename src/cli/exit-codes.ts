import type { ErrorCode } from '../platform/errors.ts';

/** What the exit code of `taskmesh` says. Scripts depend on it: a code keeps its meaning. */
export const EXIT = {
  /** Done. */
  ok: 0,
  /** It was understood and allowed, and failed: a merge conflict, a task that ended FAILED, a daemon's refusal. */
  failed: 1,
  /** The command line, or an input that the API does not take. */
  usage: 2,
  /** No valid key, or one that may not do this. */
  denied: 3,
  /** No such object. */
  notFound: 4,
  /** Not within the time given: a wait, or a question that nobody answered. */
  timedOut: 5,
  /** No answer from the server. */
  unreachable: 6,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** As the help texts say it. */
export const EXIT_MEANINGS: Readonly<Record<ExitCode, string>> = {
  0: 'done',
  1: 'the operation failed',
  2: 'wrong usage or input',
  3: 'no valid key, or not allowed',
  4: 'not found',
  5: 'timed out',
  6: 'server not reachable',
};

/** Total over the API's codes: one that is added there does not compile until it has a place here. */
const BY_ERROR_CODE: Readonly<Record<ErrorCode, ExitCode>> = {
  UNAUTHENTICATED: EXIT.denied,
  FORBIDDEN: EXIT.denied,
  NOT_SUPERVISOR: EXIT.denied,
  CONTRACT_MISMATCH: EXIT.denied,
  FORBIDDEN_PATH: EXIT.denied,
  STALE_ATTEMPT: EXIT.denied,
  STALE_EPOCH: EXIT.denied,
  NOT_FOUND: EXIT.notFound,
  INVALID_INPUT: EXIT.usage,
  INVALID_CHOICE: EXIT.usage,
  REQUEST_ID_REUSED: EXIT.usage,
  CURSOR_INVALID: EXIT.usage,
  DAEMON_TIMEOUT: EXIT.timedOut,
  SHUTTING_DOWN: EXIT.unreachable,
  UNAVAILABLE: EXIT.unreachable,
  INVALID_TRANSITION: EXIT.failed,
  CONTRACT_CLOSED: EXIT.failed,
  TASKS_RUNNING: EXIT.failed,
  MISSING_REPOSITORY: EXIT.failed,
  NO_BRANCH: EXIT.failed,
  NO_DAEMON: EXIT.failed,
  NO_SUPERVISOR: EXIT.failed,
  BUDGET_EXCEEDED: EXIT.failed,
  ALREADY_RUNNING: EXIT.failed,
  COPY_IN_USE: EXIT.failed,
  NO_CHECKPOINT: EXIT.failed,
  RATE_LIMITED: EXIT.failed,
  COMMAND_FAILED: EXIT.failed,
  OUTCOME_UNKNOWN: EXIT.failed,
  TARGET_DIRTY: EXIT.failed,
  TARGET_MOVED: EXIT.failed,
  LOCAL_ONLY: EXIT.failed,
  REPOSITORY_NOT_FOUND: EXIT.failed,
  QUESTION_CLOSED: EXIT.failed,
  OUTPUT_GAP: EXIT.failed,
  PAYLOAD_TOO_LARGE: EXIT.usage,
  DOCUMENT_TOO_LARGE: EXIT.failed,
  // A server of another version than this CLI.
  GRAPHQL_PARSE_FAILED: EXIT.failed,
  GRAPHQL_VALIDATION_FAILED: EXIT.failed,
  INTERNAL_SERVER_ERROR: EXIT.failed,
};

/** The exit code for an error code of the API; a code of a newer server than this CLI counts as failed. */
export function exitCodeFor(errorCode: string): ExitCode {
  return (BY_ERROR_CODE as Readonly<Record<string, ExitCode>>)[errorCode] ?? EXIT.failed;
}
