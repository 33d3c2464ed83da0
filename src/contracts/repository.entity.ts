import { defineEntity, p } from '@mikro-orm/core';
import { primaryId, reference, timestamp } from '../platform/columns.ts';
import { Contract } from './contract.entity.ts';

/** A git repository of a contract: a URL, or a path on the daemons' machines that have it. */
const RepositorySchema = defineEntity({
  name: 'Repository',
  tableName: 'repository',
  uniques: [
    {
      name: 'repository_one_primary',
      expression: `create unique index "repository_one_primary" on "repository" ("contract_id") where "is_primary"`,
    },
  ],
  checks: [{ name: 'repository_url_or_path', expression: '(url is null) <> (local_path is null)' }],
  properties: {
    id: primaryId('repo'),
    contractId: reference('contract', (): unknown => Contract),
    url: p.text().nullable(),
    localPath: p.text().nullable(),
    /** null: the repository's default branch. */
    baseBranch: p.text().nullable(),
    isPrimary: p.boolean().default(false),
    createdAt: timestamp(),
  },
});
export class Repository extends RepositorySchema.class {}
RepositorySchema.setClass(Repository);
