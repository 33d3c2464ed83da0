import { ERROR_CODES, type ErrorCode } from '../platform/errors.ts';
import { builder } from './builder.ts';

// No field has this type: it is there to be read by whoever handles errors.
builder.enumType('ErrorCode', {
  description:
    'What `extensions.code` of an error can be, with what to do next. The message says it for the case at hand, and `extensions.field` names the argument at fault, where one is.',
  values: Object.fromEntries(
    Object.entries(ERROR_CODES).map(([code, description]) => [code, { description }]),
  ) as Record<ErrorCode, { description: string }>,
});
