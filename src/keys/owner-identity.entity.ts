import { defineEntity, p } from '@mikro-orm/core';
import { primaryId, reference, timestamp } from '../platform/columns.ts';
import { Owner } from './owner.entity.ts';

/** A person as the identity provider knows them, and the owner they are here. */
const OwnerIdentitySchema = defineEntity({
  name: 'OwnerIdentity',
  tableName: 'owner_identity',
  uniques: [{ properties: ['issuer', 'subject'] }],
  properties: {
    id: primaryId('identity'),
    ownerId: reference('owner', (): unknown => Owner),
    issuer: p.text(),
    /** The token's `sub`. */
    subject: p.text(),
    createdAt: timestamp(),
  },
});
export class OwnerIdentity extends OwnerIdentitySchema.class {}
OwnerIdentitySchema.setClass(OwnerIdentity);
