import { AFTER_SEQUENCE, ContractEvent, registerEventTypes } from '../events/event.schema.ts';
import { eventSource } from '../events/event-source.ts';
import type { EventOf, LoggedEvent } from '../events/event-types.ts';
import { EventTypeType } from '../events/output.schema.ts';
import { type EventFilter, startingPosition } from '../events/read.ts';
import { builder } from '../graphql/builder.ts';
import { authorize } from '../keys/permissions.ts';
import type { Operation } from '../platform/runtime.ts';
import { findContract } from './contract.access.ts';
import { Contract } from './contract.entity.ts';
import { ContractType } from './contract.schema.ts';

builder.interfaceField(ContractEvent, 'contract', (t) =>
  t.field({
    type: ContractType,
    description: 'The contract whose log it is in.',
    resolve: (event, _, { loaders }) => loaders.get(Contract, event.contractId),
  }),
);

type ContractChange = EventOf<'CONTRACT_CREATED' | 'CONTRACT_UPDATED' | 'CONTRACT_COMPLETED'>;
builder.objectRef<ContractChange>('ContractChangedEvent').implement({
  description: 'The contract itself was opened, changed or completed.',
  interfaces: [ContractEvent],
  isTypeOf: (value) => String((value as LoggedEvent).type).startsWith('CONTRACT_'),
  fields: (t) => ({
    updatedFields: t.stringList({
      description: 'What changed.',
      resolve: (event) => event.data.updatedFields,
    }),
    updatedBy: t.string({ description: 'Who did it.', resolve: (event) => event.data.updatedBy }),
  }),
});
registerEventTypes('ContractChangedEvent', ['CONTRACT_CREATED', 'CONTRACT_UPDATED', 'CONTRACT_COMPLETED']);

/** The events of a contract for a caller who may read it, from a cursor on. */
export async function contractSource(
  op: Operation,
  contractId: string,
  afterSequence: number | null | undefined,
  filter: EventFilter,
): Promise<AsyncIterableIterator<LoggedEvent>> {
  authorize(op.principal, 'read');
  const contract = await findContract(op.em, op.principal, contractId);
  const position = await startingPosition(op.em, contract.id, afterSequence);
  return eventSource(op.runtime, contract.id, position, filter);
}

builder.subscriptionField('contractEvents', (t) =>
  t.field({
    type: ContractEvent,
    description: "Everything that happens in a contract. For the owner and the contract's tasks.",
    args: {
      contractId: t.arg.id({ required: true, description: 'The contract.' }),
      afterSequence: t.arg.int({ description: AFTER_SEQUENCE }),
      types: t.arg({ type: [EventTypeType], description: 'Only events of these types; else all.' }),
    },
    subscribe: (_, { contractId, afterSequence, types }, context) =>
      contractSource(context.operation(), contractId, afterSequence, types ? { types } : {}),
    resolve: (event, _, context) => {
      context.startEvent();
      return event;
    },
  }),
);
