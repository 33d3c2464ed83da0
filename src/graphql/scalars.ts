import { GraphQLError } from 'graphql';
import { isNestedTooDeep, MAX_NESTING } from '../platform/nesting.ts';
import { builder } from './builder.ts';

/** What is written one after the other mostly happened at the same moment, as all lines of a batch did. */
let written = { time: Number.NaN, text: '' };

function writeDate(date: Date): string {
  const time = date.getTime();
  if (time !== written.time) written = { time, text: date.toISOString() };
  return written.text;
}

builder.scalarType('DateTime', {
  description: 'A moment in ISO 8601 with its zone, to the millisecond: `2026-11-23T09:30:00.000Z`.',
  serialize: (value) => writeDate(value instanceof Date ? value : new Date(value)),
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
