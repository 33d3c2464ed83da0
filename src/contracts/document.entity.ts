import { defineEntity, p } from '@mikro-orm/core';
import { primaryId, reference, timestamp } from '../platform/columns.ts';
import { CONTRACT_PHASES, Contract } from './contract.entity.ts';

/** A named Markdown text of a contract: specification, plan … */
const DocumentSchema = defineEntity({
  name: 'Document',
  tableName: 'document',
  uniques: [{ properties: ['contractId', 'name'] }],
  properties: {
    id: primaryId('doc'),
    contractId: reference('contract', (): unknown => Contract, 'covered'),
    name: p.text(),
    phase: p.enum(CONTRACT_PHASES).nullable(),
    content: p.text(),
    createdAt: timestamp(),
    updatedAt: timestamp(),
    version: p.integer().version(),
  },
});
export class Document extends DocumentSchema.class {}
DocumentSchema.setClass(Document);
