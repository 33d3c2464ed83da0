import { builder } from '../graphql/builder.ts';
import type { EventType, LoggedEvent } from './event-types.ts';
import { EventTypeType } from './output.schema.ts';

const typeNames = new Map<EventType, string>();

/** Says which GraphQL type shows events of these types. Each type has one: the schema's test checks it. */
export function registerEventTypes(typeName: string, types: readonly EventType[]): void {
  for (const type of types) typeNames.set(type, typeName);
}

export function eventTypeName(type: EventType): string | undefined {
  return typeNames.get(type);
}

export const ContractEvent = builder.interfaceRef<LoggedEvent>('ContractEvent').implement({
  description: "An entry of a contract's log: dense sequences from 1, never reordered, never changed.",
  fields: (t) => ({
    sequence: t.exposeInt('sequence', {
      description: 'Its place in the log: pass it as `afterSequence` to go on behind it.',
    }),
    // Not `type`: output entries have a `type` of another kind, and one query may select both.
    eventType: t.field({
      type: EventTypeType,
      description: 'What it is about.',
      resolve: (event) => event.type,
    }),
    occurredAt: t.expose('occurredAt', { type: 'DateTime', description: 'When it was logged.' }),
  }),
  resolveType: (event) => typeNames.get(event.type),
});

export const AFTER_SEQUENCE =
  'Everything later than this sequence, first from storage, then live: no gap, no duplicate. 0: from the beginning. Without it: from now on. One that cannot be honoured, since it lies beyond the end or what followed it was pruned, fails with CURSOR_INVALID; `extensions.last` and `extensions.pruned` are the cursors that can.';
