/**
 * SQLSTATEs that say something about the connection or the moment, and nothing about what was asked: connection
 * failures (08), no resources (53), the administrator's intervention (57P), a deadlock or another transaction first (40),
 * an idle transaction that was ended (25P03), a lock that was not to be had in time (55P03).
 * https://www.postgresql.org/docs/15/errcodes-appendix.html
 */
const PASSING_STATES = /^(08...|53...|57P..|40001|40P01|25P03|55P03)$/;

const SYSTEM_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** What `pg` says of a connection in words only, and PostgreSQL of a database that takes none for now. */
const WORDS =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|connection error and is not queryable|not currently accepting connections/;

/** Of those, what says nothing about the connection: another transaction was first, or holds what was needed. */
const OUTDONE_STATES = /^(40001|40P01|55P03)$/;

/** Whether the same call may succeed in a moment: the database was away, or chose another transaction. */
export function isDatabaseAway(error: unknown): boolean {
  return isSomewhere(
    error,
    ({ code, message }) =>
      (typeof code === 'string' && (PASSING_STATES.test(code) || SYSTEM_CODES.has(code))) ||
      WORDS.test(message),
  );
}

/** Whether the database is there, and chose another transaction. */
export function isOutdone(error: unknown): boolean {
  return isSomewhere(error, ({ code }) => typeof code === 'string' && OUTDONE_STATES.test(code));
}

/** In the error itself, or in what caused it. */
function isSomewhere(error: unknown, is: (error: Error & { readonly code?: unknown }) => boolean): boolean {
  for (let current = error, depth = 0; current instanceof Error && depth < 5; depth += 1) {
    if (is(current)) return true;
    if (current instanceof AggregateError && current.errors.some((one) => isSomewhere(one, is))) return true;
    current = current.cause ?? (current as { previous?: unknown }).previous;
  }
  return false;
}
