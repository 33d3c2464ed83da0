import { defineEntity, p } from '@mikro-orm/core';
import { Owner } from '../keys/owner.entity.ts';
import { primaryId, reference, timestamp } from '../platform/columns.ts';
import { type Id, IdType } from '../platform/ids.ts';

export const CONTRACT_PHASES = ['RESEARCH', 'SPECIFY', 'PLAN', 'EXECUTE', 'REVIEW'] as const;
export type ContractPhase = (typeof CONTRACT_PHASES)[number];
export const CONTRACT_STATUSES = ['ACTIVE', 'COMPLETED', 'ARCHIVED'] as const;
export type ContractStatus = (typeof CONTRACT_STATUSES)[number];

/** A piece of software work on one or more git repositories. */
const ContractSchema = defineEntity({
  name: 'Contract',
  tableName: 'contract',
  indexes: [
    { properties: ['ownerId', 'id'] },
    {
      name: 'contract_active',
      expression: `create index "contract_active" on "contract" ("owner_id", "id") where "status" = 'ACTIVE'`,
    },
    {
      name: 'contract_red_team',
      expression: `create index "contract_red_team" on "contract" ("id") where "status" = 'ACTIVE' and "red_team_enabled"`,
    },
    {
      name: 'contract_budget',
      expression: `create index "contract_budget" on "contract" ("id") where "status" = 'ACTIVE' and ("budget_usd" is not null or "budget_question_id" is not null)`,
    },
  ],
  checks: [{ name: 'contract_name_not_blank', expression: `btrim(name) <> ''` }],
  properties: {
    id: primaryId('contract'),
    ownerId: reference('owner', (): unknown => Owner, 'covered'),
    name: p.text(),
    description: p.text().nullable(),
    phase: p.enum(CONTRACT_PHASES).default('EXECUTE'),
    status: p.enum(CONTRACT_STATUSES).default('ACTIVE'),
    localOnly: p.boolean().default(false),
    /** The agent profile of its tasks where none is given. */
    agent: p.text(),
    /** Whether a red team watches its work tasks, and the owner's own criteria for it. */
    redTeamEnabled: p.boolean().default(false),
    redTeamPrompt: p.text().nullable(),
    /** The agent profile that runs it; null: that of the contract. */
    redTeamAgent: p.text().nullable(),
    /** What its tasks may cost together, in US dollars; null: no limit. */
    budgetUsd: p.double().$type<number>().nullable(),
    /** The open question whether it may cost more; null while it is within its budget. No foreign key: see ADR 4. */
    budgetQuestionId: p.type(new IdType('question')).$type<Id<'question'>>().nullable(),
    /** What that question offers to raise it to, in US dollars. */
    budgetOfferUsd: p.double().$type<number>().nullable(),
    /** What whoever completed it had to say. */
    summary: p.text().nullable(),
    createdAt: timestamp(),
    updatedAt: timestamp(),
    completedAt: timestamp().nullable(),
    version: p.integer().version(),
  },
});
export class Contract extends ContractSchema.class {}
ContractSchema.setClass(Contract);
