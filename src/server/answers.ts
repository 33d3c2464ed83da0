import { GraphQLError } from 'graphql';
import { maskError } from '../graphql/mask-error.ts';
import type { Logger } from '../platform/logger.ts';

/** What graphql-js and the executor add to a message when a name was nearly right. */
const SUGGESTION = / Did you mean [^?]*\?/g;

/** How errors are told to callers; with `suggestions` also which names would have been right. */
export function masking(logger: Logger, suggestions: boolean): (error: unknown) => GraphQLError {
  if (suggestions) return (error) => maskError(error, logger);
  return (error) => {
    const masked = maskError(error, logger);
    const message = masked.message.replace(SUGGESTION, '');
    if (message === masked.message) return masked;
    const { nodes, path, positions, source, extensions } = masked;
    return new GraphQLError(message, {
      nodes,
      path,
      positions,
      source,
      extensions,
    } as never);
  };
}
