import { ContractCounter } from '../events/contract-counter.entity.ts';
import { builder } from '../graphql/builder.ts';
import { connectionOf, toConnection } from '../graphql/connection.ts';
import { Node, registerNode } from '../graphql/node.ts';
import { CONTRACT_PHASES, Contract, type ContractPhase } from './contract.entity.ts';
import { getContract, listContracts, listDocuments } from './contract.service.ts';
import { Document } from './document.entity.ts';
import { Repository } from './repository.entity.ts';

const PHASES: Record<ContractPhase, string> = {
  RESEARCH: 'Finding out what there is.',
  SPECIFY: 'Writing down what is wanted.',
  PLAN: 'Deciding how it is done.',
  EXECUTE: 'Doing it.',
  REVIEW: 'Looking at what was done.',
};
export const ContractPhaseType = builder.enumType('ContractPhase', {
  description: 'Where a contract stands.',
  values: Object.fromEntries(
    CONTRACT_PHASES.map((phase) => [phase, { description: PHASES[phase] }]),
  ) as Record<ContractPhase, { description: string }>,
});

export const ContractStatusType = builder.enumType('ContractStatus', {
  description: 'Whether a contract takes work.',
  values: {
    ACTIVE: { description: 'Open: tasks can be spawned.' },
    COMPLETED: { description: 'Done; it takes no new tasks.' },
    ARCHIVED: { description: 'Put away; it takes no new tasks.' },
  },
});

export const RepositoryType = builder.objectRef<Repository>('Repository').implement({
  description: 'A git repository of a contract.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Its id.' }),
    url: t.exposeString('url', { nullable: true, description: 'Its git URL; null when it is a local path.' }),
    localPath: t.exposeString('localPath', {
      nullable: true,
      description: "Its path on the daemons' machines that allow it; null when it is a URL.",
    }),
    baseBranch: t.exposeString('baseBranch', {
      nullable: true,
      description: "The branch that work starts from; null: the repository's default branch.",
    }),
    isPrimary: t.exposeBoolean('isPrimary', { description: 'Whether tasks use it when they name none.' }),
  }),
});

export const DocumentType = builder.objectRef<Document>('Document').implement({
  description: 'A named Markdown text of a contract.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Its id.' }),
    name: t.exposeString('name', { description: 'Its name, unique in the contract.' }),
    phase: t.field({
      type: ContractPhaseType,
      nullable: true,
      description: 'The phase it belongs to; null when it belongs to none.',
      resolve: (document) => document.phase ?? null,
    }),
    content: t.exposeString('content', { description: 'Markdown.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was last written.' }),
  }),
});

export const ContractType = builder.objectRef<Contract>('Contract');
ContractType.implement({
  description: 'A piece of software work on one or more git repositories, run by a supervisor.',
  interfaces: [Node],
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What it is called.' }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'What it is about; null when not given.',
    }),
    phase: t.field({
      type: ContractPhaseType,
      description: 'Where it stands.',
      resolve: (contract) => contract.phase,
    }),
    status: t.field({
      type: ContractStatusType,
      description: 'Whether it takes work.',
      resolve: (contract) => contract.status,
    }),
    localOnly: t.exposeBoolean('localOnly', {
      description: "Whether nothing leaves the daemons' machines: no push to a remote.",
    }),
    agent: t.exposeString('agent', { description: 'The agent profile of tasks that name none.' }),
    summary: t.exposeString('summary', {
      nullable: true,
      description: 'What whoever completed it had to say; null before, or when nothing was said.',
    }),
    repositories: t.field({
      type: [RepositoryType],
      description: 'Its repositories, in the order they were added.',
      resolve: (contract, _, { loaders }) => loaders.many(Repository, 'contractId', contract.id),
    }),
    documents: t.field({
      type: [DocumentType],
      description: 'Its documents.',
      resolve: (contract, _, { loaders }) => loaders.many(Document, 'contractId', contract.id),
    }),
    lastSequence: t.int({
      description:
        'The sequence of the last event in its log: subscribe with it as `afterSequence` to hear what follows.',
      resolve: async (contract, _, { loaders }) =>
        (await loaders.find(ContractCounter, contract.id, 'contractId'))?.last ?? 0,
    }),
    prunedSequence: t.int({
      description:
        'Events up to this sequence, with all output in them, were deleted long after the contract ended, as the server is told to; 0: the log is whole. A cursor before it fails with CURSOR_INVALID.',
      resolve: async (contract, _, { loaders }) =>
        (await loaders.find(ContractCounter, contract.id, 'contractId'))?.pruned ?? 0,
    }),
    redTeamEnabled: t.exposeBoolean('redTeamEnabled', {
      description: 'Whether a red team watches its work tasks.',
    }),
    redTeamPrompt: t.exposeString('redTeamPrompt', {
      nullable: true,
      description: "The owner's own criteria for the red team; null when there are none.",
    }),
    redTeamAgent: t.exposeString('redTeamAgent', {
      nullable: true,
      description: "The agent profile of the red team; null: the contract's.",
    }),
    budgetUsd: t.float({
      nullable: true,
      description: 'What its tasks may cost together, in US dollars; null: no limit.',
      resolve: ({ budgetUsd }) => budgetUsd ?? null,
    }),
    costUsd: t.float({
      description: 'What its tasks cost so far, as their agents reported, in US dollars.',
      resolve: async (contract, _, { loaders }) =>
        (await loaders.find(ContractCounter, contract.id, 'contractId'))?.costUsd ?? 0,
    }),
    tokens: t.float({
      description: 'How many tokens its tasks used so far, as their agents reported.',
      resolve: async (contract, _, { loaders }) =>
        (await loaders.find(ContractCounter, contract.id, 'contractId'))?.tokens ?? 0,
    }),
    version: t.exposeInt('version', { description: 'Grows with every change of the contract itself.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was opened.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
    completedAt: t.expose('completedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was completed; null before.',
    }),
  }),
});
registerNode('contract', { entity: Contract, typeName: 'Contract', find: getContract });

const ContractConnection = connectionOf('Contract', ContractType);

builder.queryFields((t) => ({
  contract: t.field({
    type: ContractType,
    description: 'A contract.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: (_, { id }, context) => getContract(context.operation(), id),
  }),
  contracts: t.field({
    type: ContractConnection,
    description: "The owner's contracts, newest first.",
    args: {
      status: t.arg({ type: ContractStatusType, description: 'Only those of this status.' }),
      first: t.arg.int({ defaultValue: 50, description: 'How many, 1 to 500.' }),
      after: t.arg.string({ description: 'Those behind this cursor.' }),
    },
    resolve: async (_, args, context) =>
      toConnection(await listContracts(context.operation(), args), args.after),
  }),
  documents: t.field({
    type: [DocumentType],
    description: "A contract's documents, by name.",
    args: { contractId: t.arg.id({ required: true, description: 'The contract.' }) },
    resolve: (_, { contractId }, context) => listDocuments(context.operation(), contractId),
  }),
}));
