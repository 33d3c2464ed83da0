import { defineEntity, p } from '@mikro-orm/core';
import { Contract } from '../contracts/contract.entity.ts';

/**
 * The last sequence of each contract's log. A table of its own: it changes with every append, and an entity that
 * held it would go stale while others write.
 */
const ContractCounterSchema = defineEntity({
  name: 'ContractCounter',
  tableName: 'contract_counter',
  properties: {
    contractId: () => p.manyToOne(Contract).mapToPk().primary().deleteRule('cascade'),
    last: p.integer().default(0),
    /** Events up to this one were pruned: a cursor before it cannot be honoured. */
    pruned: p.integer().default(0),
    /** What all its tasks cost so far, in US dollars, and their tokens: counted where output is stored. */
    costUsd: p.double().$type<number>().default(0),
    tokens: p.bigint('number').default(0),
  },
});
export class ContractCounter extends ContractCounterSchema.class {}
ContractCounterSchema.setClass(ContractCounter);
