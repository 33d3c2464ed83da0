import { defineEntity, p } from '@mikro-orm/core';
import { Contract } from '../contracts/contract.entity.ts';
import { timestamp } from '../platform/columns.ts';
import type { Id } from '../platform/ids.ts';
import { IdType } from '../platform/ids.ts';
import type { EventType } from './event-types.ts';

/**
 * The contract's log: append-only, dense from 1. `task_id` has no foreign key on purpose: checking it costs a fifth
 * of an append, rows are written by our own services only, and the log outlives nothing but its contract.
 */
const ContractEventSchema = defineEntity({
  name: 'ContractEvent',
  tableName: 'contract_event',
  indexes: [
    {
      name: 'contract_event_task_output',
      expression: `create index "contract_event_task_output" on "contract_event" ("task_id", "sequence") where "type" = 'OUTPUT'`,
    },
    {
      // What is not output is rare in a log that is mostly output; filters on it must not read all of it.
      name: 'contract_event_other',
      expression: `create index "contract_event_other" on "contract_event" ("contract_id", "type", "sequence") where "type" <> 'OUTPUT'`,
    },
  ],
  properties: {
    contractId: () => p.manyToOne(Contract).mapToPk().primary().deleteRule('cascade'),
    sequence: p.integer().primary(),
    // Not an enum: its check would have to be made anew, over all of the log, for each type that is added.
    type: p.text().$type<EventType>(),
    taskId: p.type(new IdType('task')).$type<Id<'task'>>().nullable(),
    /** Shape by type: see event-types.ts. */
    data: p.json<Record<string, unknown>>(),
    occurredAt: timestamp(),
  },
});
export class ContractEvent extends ContractEventSchema.class {}
ContractEventSchema.setClass(ContractEvent);
