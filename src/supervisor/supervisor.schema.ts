import type { Contract } from '../contracts/contract.entity.ts';
import { RepositoryInputType } from '../contracts/contract.mutations.ts';
import { ContractType } from '../contracts/contract.schema.ts';
import { builder } from '../graphql/builder.ts';
import { REQUEST_ID } from '../graphql/request-id.ts';
import type { Task } from '../tasks/task.entity.ts';
import { TaskType } from '../tasks/task.schema.ts';
import { completeContract } from './complete-contract.ts';
import { createContract } from './create-contract.ts';

const CreateContractInput = builder.inputType('CreateContractInput', {
  description: 'A contract to open.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'What to call it.' }),
    description: t.string({ description: 'What it is about.' }),
    repositories: t.field({
      type: [RepositoryInputType],
      defaultValue: [],
      description: 'The repositories it works on, at most 50.',
    }),
    localOnly: t.boolean({
      defaultValue: false,
      description: "Whether nothing may leave the daemons' machines: no push to a remote.",
    }),
    redTeamEnabled: t.boolean({
      defaultValue: false,
      description: 'Whether a red team watches its work tasks: it is spawned with the first of them.',
    }),
    redTeamPrompt: t.string({ description: 'What the red team is to look for besides.' }),
    redTeamAgent: t.string({ description: "The agent profile of the red team; else the contract's." }),
    budgetUsd: t.float({
      description:
        'What its tasks may cost together, in US dollars. Past it no task starts, the supervisor is held and you are asked. 0, or none: no limit.',
    }),
    agent: t.string({
      description: 'The agent profile of its supervisor and of tasks that name none; else shell.',
    }),
    supervisorPlan: t.string({ description: 'What the supervisor is to do; else the description.' }),
    startSupervisor: t.boolean({ defaultValue: true, description: 'Whether the supervisor starts at once.' }),
    requestId: t.string({ description: REQUEST_ID }),
  }),
});
const CreateContractPayload = builder
  .objectRef<{ contract: Contract; supervisor: Task | null }>('CreateContractPayload')
  .implement({
    description: 'The contract that was opened.',
    fields: (t) => ({
      contract: t.field({
        type: ContractType,
        description: 'The contract.',
        resolve: ({ contract }) => contract,
      }),
      supervisor: t.field({
        type: TaskType,
        nullable: true,
        description: 'Its supervisor; null when it was told not to start one.',
        resolve: ({ supervisor }) => supervisor,
      }),
    }),
  });
const CompleteContractInput = builder.inputType('CompleteContractInput', {
  description: 'Which contract is done.',
  fields: (t) => ({
    contractId: t.id({ description: "The contract; a supervisor's key implies its own." }),
    summary: t.string({ description: 'What came of it.' }),
    cancelTasks: t.boolean({
      defaultValue: false,
      description: 'Whether tasks that are not completed are cancelled.',
    }),
    requestId: t.string({ description: REQUEST_ID }),
  }),
});
const CompleteContractPayload = builder.objectRef<Contract>('CompleteContractPayload').implement({
  description: 'The contract that was completed.',
  fields: (t) => ({
    contract: t.field({ type: ContractType, description: 'The contract.', resolve: (contract) => contract }),
  }),
});

builder.mutationFields((t) => ({
  createContract: t.field({
    type: CreateContractPayload,
    description: 'Opens a contract and starts its supervisor. For the owner.',
    args: { input: t.arg({ type: CreateContractInput, required: true, description: 'The contract.' }) },
    resolve: (_, { input }, context) => createContract(context.operation(), input),
  }),
  completeContract: t.field({
    type: CompleteContractPayload,
    description:
      'Completes a contract: open questions are withdrawn, the supervisor ends. Fails with TASKS_RUNNING while tasks are not completed. For the owner and the supervisor.',
    args: { input: t.arg({ type: CompleteContractInput, required: true, description: 'Which contract.' }) },
    resolve: (_, { input }, context) => completeContract(context.operation(), input),
  }),
}));
