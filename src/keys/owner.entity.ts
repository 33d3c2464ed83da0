import { defineEntity, p } from '@mikro-orm/core';
import { primaryId, timestamp } from '../platform/columns.ts';

/** The tenant: every row belongs to one, and nothing crosses. */
const OwnerSchema = defineEntity({
  name: 'Owner',
  tableName: 'owner',
  properties: {
    id: primaryId('owner'),
    name: p.text(),
    createdAt: timestamp(),
  },
});
export class Owner extends OwnerSchema.class {}
OwnerSchema.setClass(Owner);
