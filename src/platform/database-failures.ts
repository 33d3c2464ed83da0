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

/** Whether the same call may succeed in a moment: the database was away, or chose another transaction. */
export function isDatabaseAway(error: unknown): boolean {
  for (let current = error, depth = 0; current instanceof Error && depth < 5; depth += 1) {
    const { code } = current as { code?: unknown };
    if (typeof code === 'string' && (PASSING_STATES.test(code) || SYSTEM_CODES.has(code))) return true;
    if (WORDS.test(current.message)) return true;
    if (current instanceof AggregateError && current.errors.some(isDatabaseAway)) return true;
    current = current.cause ?? (current as { previous?: unknown }).previous;
  }
  return false;
}
