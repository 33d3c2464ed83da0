import { GraphQLError } from 'graphql';
import { isoDate } from '../platform/iso-date.ts';
import { isNestedTooDeep, MAX_NESTING } from '../platform/nesting.ts';
import { builder } from './builder.ts';

builder.scalarType('DateTime', {
  description: 'A moment in ISO 8601 with its zone, to the millisecond: `2026-11-23T09:30:00.000Z`.',
  serialize: (value) => isoDate(value instanceof Date ? value : new Date(value)),
  parseValue: (value) => {
    const date = new Date(String(value));
    if (typeof value === 'string' && !Number.isNaN(date.getTime())) return date;
    throw new GraphQLError('A DateTime is a text in ISO 8601, such as 2026-11-23T09:30:00.000Z.');
  },
});

builder.scalarType('JSON', {
  description: `Any JSON value, nested at most ${MAX_NESTING} deep. Its shape depends on where it stands.`,
  serialize: (value) => value,
  parseValue: (value) => {
    if (isNestedTooDeep(value)) throw new GraphQLError(`A JSON value is nested at most ${MAX_NESTING} deep.`);
    return value;
  },
});
