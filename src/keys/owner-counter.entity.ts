import { defineEntity, p } from '@mikro-orm/core';
import { Owner } from './owner.entity.ts';

/** Hands out the dense sequence in which an owner's questions were asked and answered. */
const OwnerCounterSchema = defineEntity({
  name: 'OwnerCounter',
  tableName: 'owner_counter',
  properties: {
    ownerId: () => p.manyToOne(Owner).mapToPk().primary().deleteRule('cascade'),
    lastQuestionChange: p.integer().default(0),
  },
});
export class OwnerCounter extends OwnerCounterSchema.class {}
OwnerCounterSchema.setClass(OwnerCounter);
