import { GraphQLError } from 'graphql';
import { maskError } from '../graphql/mask-error.ts';
import type { Logger } from '../platform/logger.ts';

/** graphql-js and the executor end a message so when a name was nearly right. */
const SUGGESTION = / Did you mean [^?]*\?$/;

/** How errors are told to callers; with `suggestions` also which names would have been right. */
export function masking(logger: Logger, suggestions: boolean): (error: unknown) => GraphQLError {
  if (suggestions) return (error) => maskError(error, logger);
  return (error) => {
    const masked = maskError(error, logger);
    if (!SUGGESTION.test(masked.message)) return masked;
    const { nodes, path, positions, source, extensions } = masked;
    return new GraphQLError(masked.message.replace(SUGGESTION, ''), {
      nodes,
      path,
      positions,
      source,
      extensions,
    } as never);
  };
}
