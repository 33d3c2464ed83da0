import { defineEntity, p } from '@mikro-orm/core';
import { Owner } from '../keys/owner.entity.ts';
import { primaryId, reference, timestamp } from '../platform/columns.ts';
import { type Id, IdType } from '../platform/ids.ts';

/** The owner's audit trail: who did what, when, from where. It outlives what it tells of, hence no further foreign keys. */
const HistorySchema = defineEntity({
  name: 'History',
  tableName: 'history',
  indexes: [{ properties: ['ownerId', 'id'] }, { properties: ['contractId', 'id'] }],
  properties: {
    id: primaryId('history'),
    ownerId: reference('owner', (): unknown => Owner, 'covered'),
    contractId: p.type(new IdType('contract')).$type<Id<'contract'>>().nullable(),
    taskId: p.type(new IdType('task')).$type<Id<'task'>>().nullable(),
    action: p.text(),
    actorKind: p.text(),
    actor: p.text(),
    details: p.json<Record<string, unknown>>().nullable(),
    address: p.text().nullable(),
    createdAt: timestamp(),
  },
});
export class History extends HistorySchema.class {}
HistorySchema.setClass(History);
