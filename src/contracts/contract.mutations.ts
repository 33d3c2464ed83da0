import { builder } from '../graphql/builder.ts';
import { REQUEST_ID } from '../graphql/request-id.ts';
import {
  addRepository,
  archiveContract,
  deleteContract,
  removeRepository,
  setContractPhase,
  setDocument,
  updateContract,
} from './change-contract.ts';
import type { Contract } from './contract.entity.ts';
import { ContractPhaseType, ContractType, DocumentType, RepositoryType } from './contract.schema.ts';
import type { Document } from './document.entity.ts';
import type { Repository } from './repository.entity.ts';

export const RepositoryInputType = builder.inputType('RepositoryInput', {
  description: 'A git repository: either a url or a localPath.',
  fields: (t) => ({
    url: t.string({ description: 'https://…, ssh://… or user@host:path.' }),
    localPath: t.string({ description: "An absolute path on the daemons' machines that allow it." }),
    baseBranch: t.string({
      description: "The branch that work starts from; else the repository's default branch.",
    }),
    isPrimary: t.boolean({
      defaultValue: false,
      description: 'Whether tasks use it when they name none; at most one.',
    }),
  }),
});

function contractPayload(name: string) {
  return builder.objectRef<Contract>(name).implement({
    description: 'The contract, changed.',
    fields: (t) => ({
      contract: t.field({
        type: ContractType,
        description: 'The contract.',
        resolve: (contract) => contract,
      }),
    }),
  });
}
const SetDocumentPayload = builder.objectRef<Document>('SetDocumentPayload').implement({
  description: 'The document, written.',
  fields: (t) => ({
    document: t.field({ type: DocumentType, description: 'The document.', resolve: (document) => document }),
  }),
});
const AddRepositoryPayload = builder.objectRef<Repository>('AddRepositoryPayload').implement({
  description: 'The repository, added.',
  fields: (t) => ({
    repository: t.field({
      type: RepositoryType,
      description: 'The repository.',
      resolve: (repository) => repository,
    }),
  }),
});
const DeleteContractPayload = builder.objectRef<{ id: string }>('DeleteContractPayload').implement({
  description: 'What was deleted.',
  fields: (t) => ({ contractId: t.exposeID('id', { description: 'The contract that is no more.' }) }),
});

const CONTRACT = 'The contract.';
const IMPLIED = "The contract; a supervisor's key implies its own.";

const UpdateContractInput = builder.inputType('UpdateContractInput', {
  description: 'What to change of a contract; what is left out stays.',
  fields: (t) => ({
    contractId: t.id({ required: true, description: CONTRACT }),
    name: t.string({ description: 'What to call it.' }),
    description: t.string({ description: 'What it is about; empty: nothing.' }),
    localOnly: t.boolean({ description: "Whether nothing may leave the daemons' machines." }),
    redTeamEnabled: t.boolean({ description: 'Whether a red team watches its work tasks.' }),
    redTeamPrompt: t.string({ description: 'What the red team is to look for besides; empty: nothing.' }),
    redTeamAgent: t.string({ description: "The agent profile of the red team; empty: the contract's." }),
    budgetUsd: t.float({
      description: 'What its tasks may cost together, in US dollars; 0: no limit. Raised, work goes on.',
    }),
    agent: t.string({ description: 'The agent profile of tasks that name none.' }),
    requestId: t.string({ description: REQUEST_ID }),
  }),
});
const SetContractPhaseInput = builder.inputType('SetContractPhaseInput', {
  description: 'Where a contract stands.',
  fields: (t) => ({
    contractId: t.id({ description: IMPLIED }),
    phase: t.field({ type: ContractPhaseType, required: true, description: 'The phase.' }),
    requestId: t.string({ description: REQUEST_ID }),
  }),
});
const SetDocumentInput = builder.inputType('SetDocumentInput', {
  description: 'A document to write.',
  fields: (t) => ({
    contractId: t.id({ description: IMPLIED }),
    name: t.string({ required: true, description: 'Its name: the document of that name is written anew.' }),
    phase: t.field({
      type: ContractPhaseType,
      description: 'The phase it belongs to; left out: as before, or none.',
    }),
    content: t.string({ required: true, description: 'Markdown.' }),
    requestId: t.string({ description: REQUEST_ID }),
  }),
});
const AddRepositoryInput = builder.inputType('AddRepositoryInput', {
  description: 'A repository to add to a contract.',
  fields: (t) => ({
    contractId: t.id({ required: true, description: CONTRACT }),
    repository: t.field({
      type: RepositoryInputType,
      required: true,
      description: 'The repository; as the primary one it takes the place of the old.',
    }),
    requestId: t.string({ description: REQUEST_ID }),
  }),
});
const RemoveRepositoryInput = builder.inputType('RemoveRepositoryInput', {
  description: 'A repository to remove from a contract.',
  fields: (t) => ({
    contractId: t.id({ required: true, description: CONTRACT }),
    repositoryId: t.id({ required: true, description: 'The repository.' }),
    requestId: t.string({ description: REQUEST_ID }),
  }),
});
const ArchiveContractInput = builder.inputType('ArchiveContractInput', {
  description: 'A contract to put away.',
  fields: (t) => ({
    contractId: t.id({ required: true, description: CONTRACT }),
    requestId: t.string({ description: REQUEST_ID }),
  }),
});
const DeleteContractInput = builder.inputType('DeleteContractInput', {
  description: 'A contract to delete for good.',
  fields: (t) => ({
    contractId: t.id({ required: true, description: CONTRACT }),
    requestId: t.string({ description: REQUEST_ID }),
  }),
});

builder.mutationFields((t) => ({
  updateContract: t.field({
    type: contractPayload('UpdateContractPayload'),
    description: 'Changes what is given of a contract. For the owner.',
    args: { input: t.arg({ type: UpdateContractInput, required: true, description: 'What to change.' }) },
    resolve: (_, { input }, context) => updateContract(context.operation(), input),
  }),
  setContractPhase: t.field({
    type: contractPayload('SetContractPhasePayload'),
    description: 'Moves an open contract to another phase. For the owner and the supervisor.',
    args: { input: t.arg({ type: SetContractPhaseInput, required: true, description: 'Which phase.' }) },
    resolve: (_, { input }, context) => setContractPhase(context.operation(), input),
  }),
  setDocument: t.field({
    type: SetDocumentPayload,
    description: 'Writes a document of an open contract. For the owner and the supervisor.',
    args: { input: t.arg({ type: SetDocumentInput, required: true, description: 'The document.' }) },
    resolve: (_, { input }, context) => setDocument(context.operation(), input),
  }),
  addRepository: t.field({
    type: AddRepositoryPayload,
    description: 'Adds a repository to an open contract. For the owner.',
    args: { input: t.arg({ type: AddRepositoryInput, required: true, description: 'The repository.' }) },
    resolve: (_, { input }, context) => addRepository(context.operation(), input),
  }),
  removeRepository: t.field({
    type: contractPayload('RemoveRepositoryPayload'),
    description: 'Removes a repository from an open contract; tasks that use it go on. For the owner.',
    args: { input: t.arg({ type: RemoveRepositoryInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input }, context) => removeRepository(context.operation(), input),
  }),
  archiveContract: t.field({
    type: contractPayload('ArchiveContractPayload'),
    description: 'Puts a completed contract away. For the owner.',
    args: { input: t.arg({ type: ArchiveContractInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input }, context) => archiveContract(context.operation(), input),
  }),
  deleteContract: t.field({
    type: DeleteContractPayload,
    description: 'Deletes an archived contract with its tasks, log and checkpoints. For the owner.',
    args: { input: t.arg({ type: DeleteContractInput, required: true, description: 'Which one.' }) },
    resolve: async (_, { input }, context) => ({ id: await deleteContract(context.operation(), input) }),
  }),
}));
