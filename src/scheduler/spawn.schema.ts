import { builder } from '../graphql/builder.ts';
import { REQUEST_ID } from '../graphql/request-id.ts';
import { taskPayload } from '../tasks/task.mutations.ts';
import { CompletionActionType } from '../tasks/task.schema.ts';
import { spawnTask } from './spawn-task.ts';

const SpawnTaskInput = builder.inputType('SpawnTaskInput', {
  description: 'A task to add to a contract.',
  fields: (t) => ({
    contractId: t.id({ description: "The contract; a supervisor's key implies its own." }),
    name: t.string({ required: true, description: 'What to call it.' }),
    plan: t.string({ required: true, description: 'What its agent is to do.' }),
    description: t.string({ description: 'What it is about, for people.' }),
    parentTaskId: t.id({ description: 'The task it hangs under; else the supervisor.' }),
    repositoryUrl: t.string({
      description:
        "The URL, or the local path, of the repository; else the contract's primary one, else its first.",
    }),
    useOwnWorktree: t.boolean({
      defaultValue: false,
      description:
        "true: a working copy and a branch of its own, to be merged later. false: the supervisor's working copy; in a contract without a supervisor one of its own, too.",
    }),
    agent: t.string({ description: "The agent profile that runs it; else the contract's." }),
    priority: t.int({ defaultValue: 0, description: 'Higher starts first, -1000 to 1000.' }),
    baseBranch: t.string({
      description: "The branch to start from; else the supervisor's branch, else the default branch.",
    }),
    targetBranch: t.string({ description: "Where to merge it later; else the supervisor's branch." }),
    checkpointSha: t.string({
      description: 'Start from this commit: of a checkpoint of the contract, or of the repository.',
    }),
    branchedFromTaskId: t.id({ description: 'Start from the latest checkpoint of this task.' }),
    continueFromTaskId: t.id({
      description:
        "Start from the latest checkpoint of this task, and go on in its agent's session; where that cannot be, its agent is told the conversation.",
    }),
    copyFiles: t.stringList({
      defaultValue: [],
      description:
        "Paths, such as .env, that are copied into its own working copy from the repository's checkout, else from the supervisor's working copy. At most 100.",
    }),
    completionAction: t.field({
      type: CompletionActionType,
      defaultValue: 'NONE',
      description: 'What is done with its branch when it is DONE.',
    }),
    targetRepoPath: t.string({
      description: "A repository on the daemon's machine that gets the finished branch too.",
    }),
    autonomousLoop: t.int({
      defaultValue: 0,
      description: 'How often an agent that ended its turn without finishTask is told to go on, 0 to 100.',
    }),
    timeLimitMinutes: t.int({
      description: 'How long an attempt may run, 1 to 35,000; past it the task is FAILED. Else no limit.',
    }),
    requestId: t.string({ description: REQUEST_ID }),
  }),
});

builder.mutationField('spawnTask', (t) =>
  t.field({
    type: taskPayload('SpawnTaskPayload', 'The task that was added.'),
    description:
      'Adds a task to an open contract; it starts as soon as a daemon can take it. For the owner and the supervisor.',
    args: { input: t.arg({ type: SpawnTaskInput, required: true, description: 'The task.' }) },
    resolve: (_, { input }, context) => spawnTask(context.operation(), input),
  }),
);
