import { randomUUID } from 'node:crypto';
import { GraphQLError } from 'graphql';
import { isDatabaseAway } from '../platform/database-failures.ts';
import { DomainError, ERROR_CODES } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';

/** Characters of a message that are told. */
const MAX_MESSAGE = 2_000;

/**
 * What a client is told of an error: a refusal as it is, anything unexpected only by a request id that is in the log.
 */
export function maskError(error: unknown, logger: Logger): GraphQLError {
  const located = error instanceof GraphQLError ? error : undefined;
  const original = originalOf(error);
  const where = located
    ? { nodes: located.nodes, path: located.path, positions: located.positions, source: located.source }
    : {};
  if (original instanceof DomainError) {
    return new GraphQLError(original.message, {
      ...where,
      extensions: {
        ...original.extensions,
        code: original.code,
        ...(original.field === undefined ? {} : { field: original.field }),
      },
    } as never);
  }
  if (located && (original === undefined || original instanceof GraphQLError)) {
    // graphql-js found the document or its variables wrong: the caller's fault, told as it is.
    const { code, http } = located.extensions;
    return new GraphQLError(shortened(located.message), {
      ...where,
      // `http`, from the HTTP server for itself, is the status; it takes it out of what it sends.
      extensions: { code: isKnown(code) ? code : 'INVALID_INPUT', ...(http === undefined ? {} : { http }) },
    } as never);
  }
  const requestId = randomUUID();
  if (isDatabaseAway(original)) {
    logger.warn({ err: original, requestId }, 'an operation failed because the database was away');
    return new GraphQLError(
      'The database is away for a moment. Repeat the call as it is: with a requestId nothing is done twice.',
      { ...where, extensions: { code: 'UNAVAILABLE', requestId } } as never,
    );
  }
  logger.error({ err: original ?? error, requestId }, 'an operation failed unexpectedly');
  return new GraphQLError(`Something unexpected happened. Look for ${requestId} in the server's log.`, {
    ...where,
    extensions: { code: 'INTERNAL_SERVER_ERROR', requestId },
  } as never);
}

/** graphql-js repeats the whole of a value that does not fit, which may be a document of megabytes. */
function shortened(message: string): string {
  return message.length <= MAX_MESSAGE ? message : `${message.slice(0, MAX_MESSAGE).toWellFormed()}…`;
}

/** What we use has codes of its own, which are not in the list that callers can rely on. */
function isKnown(code: unknown): boolean {
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code);
}

function originalOf(error: unknown): unknown {
  let current: unknown = error;
  while (current instanceof GraphQLError && current.originalError) current = current.originalError;
  return current instanceof GraphQLError ? undefined : current;
}
