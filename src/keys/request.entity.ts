import { defineEntity, p } from '@mikro-orm/core';
import { timestamp } from '../platform/columns.ts';
import { Owner } from './owner.entity.ts';

/** A mutation that was done under a `requestId`: the same one again gives its result and does nothing. */
const RequestSchema = defineEntity({
  name: 'Request',
  tableName: 'request',
  properties: {
    ownerId: () => p.manyToOne(Owner).mapToPk().primary().deleteRule('cascade'),
    requestId: p.text().primary(),
    operation: p.text(),
    /** SHA-256 of the canonical input, to notice the same id with another input. */
    inputHash: p.text(),
    /** The id of what the first call made. */
    result: p.text(),
    createdAt: timestamp(),
  },
});
export class Request extends RequestSchema.class {}
RequestSchema.setClass(Request);
