import SchemaBuilder from '@pothos/core';
import type { Context } from './context.ts';

export interface SchemaTypes {
  Context: Context;
  DefaultFieldNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date | string };
    JSON: { Input: unknown; Output: unknown };
  };
}

export const builder = new SchemaBuilder<SchemaTypes>({ defaultFieldNullability: false });

builder.queryType({ description: 'Reads. Nothing changes by a query, though some wait or ask a daemon.' });
builder.mutationType({
  description: 'Changes: one action each, with one `input`. With a `requestId` a repeat does nothing twice.',
});
builder.subscriptionType({
  description:
    'What happens, as it happens. With `afterSequence` first what was missed: no gap, no duplicate.',
});
