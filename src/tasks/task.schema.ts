import { Contract } from '../contracts/contract.entity.ts';
import { ContractType } from '../contracts/contract.schema.ts';
import { DaemonCommandType } from '../daemons/command.schema.ts';
import { Daemon } from '../daemons/daemon.entity.ts';
import { DaemonType } from '../daemons/daemon.schema.ts';
import { builder } from '../graphql/builder.ts';
import { connectionOf, toConnection } from '../graphql/connection.ts';
import type { LoadAhead } from '../graphql/load-ahead.ts';
import { Node, registerNode } from '../graphql/node.ts';
import { asksOnlyForId } from '../graphql/only-id.ts';
import { ViewerType } from '../keys/key.schema.ts';
import { isTask } from '../platform/principal.ts';
import { Task } from './task.entity.ts';
import { getTask, listTasks } from './task.service.ts';
import type { TaskStatus } from './task.states.ts';

export const TaskRoleType = builder.enumType('TaskRole', {
  description: 'What a task is there for.',
  values: {
    SUPERVISOR: { description: 'Runs the contract.' },
    WORK: { description: 'Does a part of it.' },
    RED_TEAM: { description: 'Watches the others and warns.' },
  },
});

const STATUSES: Record<TaskStatus, string> = {
  PENDING: 'It waits for a daemon.',
  STARTING: 'A daemon has been chosen and prepares it.',
  RUNNING: 'Its agent runs.',
  PAUSED: 'Its agent was stopped and can go on.',
  WAITING: 'A supervisor whose turn ended; a message wakes it.',
  INTERRUPTED: 'Its daemon is gone; it is about to be retried.',
  CANCELLING: 'It is being cancelled; its processes are not confirmed gone yet.',
  CANCELLED:
    'Cancelled. Its processes are gone; where errorMessage says `confirmed: false` its daemon is, and nobody knows.',
  DONE: 'It ended well.',
  FAILED: 'It ended badly: see errorMessage.',
  MERGED: 'Done, and its work is merged.',
};
export const TaskStatusType = builder.enumType('TaskStatus', {
  description:
    'Where a task stands. DONE, FAILED, MERGED and CANCELLED are completed. docs/STATES.md has the moves.',
  values: Object.fromEntries(
    Object.entries(STATUSES).map(([status, description]) => [status, { description }]),
  ) as Record<TaskStatus, { description: string }>,
});

export const CompletionActionType = builder.enumType('CompletionAction', {
  description: "What is done with a task's branch when it is DONE.",
  values: {
    NONE: { description: 'Nothing: the supervisor merges it.' },
    MERGE: { description: 'It is merged into its target; a conflict is told to the supervisor.' },
    PULL_REQUEST: { description: 'It is pushed, and a pull request is opened for it.' },
  },
});

const daemonsAhead: LoadAhead<Task> = (tasks, loaders) =>
  loaders.ahead(
    Daemon,
    tasks.flatMap(({ daemonId }) => daemonId ?? []),
  );

export const TaskType = builder.objectRef<Task>('Task');
TaskType.implement({
  description: 'One agent run with a plan, in a working copy.',
  interfaces: [Node],
  fields: (t) => ({
    contract: t.field({
      type: ContractType,
      description: 'The contract it belongs to.',
      extensions: { columns: ['contractId'] },
      resolve: (task, _, { loaders }) => loaders.get(Contract, task.contractId),
    }),
    parent: t.field({
      type: TaskType,
      nullable: true,
      description:
        'The task it hangs under; null for a supervisor and for tasks spawned before there was one.',
      extensions: { columns: ['parentId'] },
      resolve: (task, _, { loaders }) => (task.parentId ? loaders.get(Task, task.parentId) : null),
    }),
    depth: t.exposeInt('depth', { description: 'How many parents are above it, 0 to 8.' }),
    name: t.exposeString('name', { description: 'What it is called.', extensions: { lasts: true } }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'What it is about; null when not given.',
    }),
    plan: t.exposeString('plan', { description: 'What its agent is to do.' }),
    role: t.expose('role', {
      type: TaskRoleType,
      description: 'What it is there for.',
      extensions: { lasts: true },
    }),
    status: t.expose('status', { type: TaskStatusType, description: 'Where it stands.' }),
    priority: t.exposeInt('priority', { description: 'Higher starts first.' }),
    useOwnWorktree: t.exposeBoolean('useOwnWorktree', {
      description: "Whether it has a working copy and a branch of its own, or works in the supervisor's.",
    }),
    repositoryUrl: t.string({
      nullable: true,
      description: 'The URL or the local path of its repository; null when it has none.',
      extensions: { columns: ['repositoryUrl', 'repositoryPath'] },
      resolve: (task) => task.repositoryUrl ?? task.repositoryPath ?? null,
    }),
    baseBranch: t.exposeString('baseBranch', {
      nullable: true,
      description:
        "The branch it was told to start from; null: the supervisor's branch, else the default branch.",
    }),
    targetBranch: t.exposeString('targetBranch', {
      nullable: true,
      description: "Where it is merged to; null: the supervisor's branch.",
    }),
    checkpointSha: t.exposeString('checkpointSha', {
      nullable: true,
      description: 'The commit it was told to start from; null when it was told none.',
    }),
    branchedFromTask: t.field({
      type: TaskType,
      nullable: true,
      description: 'The task whose latest checkpoint it started from; null when from none.',
      extensions: { columns: ['branchedFromTaskId'] },
      resolve: (task, _, { loaders }) =>
        task.branchedFromTaskId ? loaders.get(Task, task.branchedFromTaskId) : null,
    }),
    continueFromTask: t.field({
      type: TaskType,
      nullable: true,
      description: 'The task whose session it went on in; null when in none.',
      extensions: { columns: ['continueFromTaskId'] },
      resolve: (task, _, { loaders }) =>
        task.continueFromTaskId ? loaders.get(Task, task.continueFromTaskId) : null,
    }),
    copyFiles: t.exposeStringList('copyFiles', {
      description: 'Paths that were copied into its own working copy when that was made.',
    }),
    completionAction: t.expose('completionAction', {
      type: CompletionActionType,
      description: 'What is done with its branch when it is DONE.',
    }),
    targetRepoPath: t.exposeString('targetRepoPath', {
      nullable: true,
      description: "A repository on the daemon's machine that gets the finished branch too; null: none.",
    }),
    autonomousLoop: t.exposeInt('autonomousLoop', {
      description: 'How often an agent that ended its turn without finishTask is told to go on.',
    }),
    timeLimitMinutes: t.exposeInt('timeLimitMinutes', {
      nullable: true,
      description: 'How long one attempt may run; null: as long as it takes.',
    }),
    agent: t.exposeString('agent', { description: 'The agent profile that runs it.' }),
    daemon: t.field({
      type: DaemonType,
      nullable: true,
      description: 'Where it runs or last ran; null before its first start and while it waits to be retried.',
      extensions: { columns: ['daemonId'], ahead: daemonsAhead },
      resolve: (task, _, { loaders }) => (task.daemonId ? loaders.get(Daemon, task.daemonId) : null),
    }),
    attempt: t.exposeInt('attempt', { description: 'How often it was started; 0 before its first start.' }),
    retryCount: t.exposeInt('retryCount', {
      description: 'How often it was retried after losing its daemon, at most 3.',
    }),
    failedDaemons: t.field({
      type: [DaemonType],
      description: 'Daemons it was lost on.',
      extensions: { columns: ['failedDaemons'] },
      resolve: (task, _, { loaders }) => Promise.all(task.failedDaemons.map((id) => loaders.get(Daemon, id))),
    }),
    errorMessage: t.exposeString('errorMessage', {
      nullable: true,
      description:
        'Why it failed, was cancelled or was retried, one line for each attempt; null when nothing went wrong.',
    }),
    outputSummary: t.exposeString('outputSummary', {
      nullable: true,
      description: 'What its agent said in the end: the summary it gave, else its last message; null before.',
    }),
    isFinishing: t.boolean({
      description:
        'Whether its agent has said how it ended, by finishTask; it takes effect when the agent ends.',
      extensions: { columns: ['finishSummary'] },
      resolve: (task) => typeof task.finishSummary === 'string',
    }),
    hasConversation: t.boolean({
      description:
        'Whether its agent has a conversation, so that messages reach and wake it; else it reads its inbox.',
      extensions: { columns: ['sessionId'] },
      resolve: (task) => typeof task.sessionId === 'string',
    }),
    costUsd: t.exposeFloat('costUsd', {
      description: 'What its agent reported to have cost so far, in US dollars.',
    }),
    tokens: t.exposeFloat('tokens', { description: 'How many tokens its agent reported so far.' }),
    durationSeconds: t.float({
      nullable: true,
      description: 'From its first start to its end, or to now; null before its start.',
      extensions: { columns: ['startedAt', 'completedAt'] },
      resolve: (task, _, { runtime }) =>
        task.startedAt
          ? ((task.completedAt ?? runtime.clock.now()).getTime() - task.startedAt.getTime()) / 1_000
          : null,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was spawned.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last changed.' }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its agent first ran; null before.',
    }),
    completedAt: t.expose('completedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was completed; null before.',
    }),
    version: t.exposeInt('version', { description: 'Grows with every change.' }),
  }),
});
registerNode('task', { entity: Task, typeName: 'Task', find: getTask });

const TaskConnection = connectionOf('Task', TaskType);

builder.queryFields((t) => ({
  task: t.field({
    type: TaskType,
    description: 'A task.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: (_, { id }, context) => getTask(context.operation(), id),
  }),
  tasks: t.field({
    type: TaskConnection,
    description: "A contract's tasks, oldest first.",
    args: {
      contractId: t.arg.id({ required: true, description: 'The contract.' }),
      status: t.arg({ type: [TaskStatusType], description: 'Only those in one of these states.' }),
      role: t.arg({ type: TaskRoleType, description: 'Only those of this role.' }),
      first: t.arg.int({ defaultValue: 50, description: 'How many, 1 to 500.' }),
      after: t.arg.string({ description: 'Those behind this cursor.' }),
    },
    resolve: async (_, args, context) => toConnection(await listTasks(context.operation(), args), args.after),
  }),
}));

builder.objectField(ContractType, 'supervisor', (t) =>
  t.field({
    type: TaskType,
    nullable: true,
    description: 'The task that runs it; null before it has one.',
    resolve: async (contract, _, { loaders }) =>
      (await loaders.many(Task, 'contractId', contract.id, { role: 'SUPERVISOR' }))[0] ?? null,
  }),
);
builder.objectField(ViewerType, 'task', (t) =>
  t.field({
    type: TaskType,
    nullable: true,
    description: 'The task, for a tool key; null for all others.',
    resolve: (principal, _, { loaders }) => (isTask(principal) ? loaders.get(Task, principal.taskId) : null),
  }),
);
builder.objectField(DaemonCommandType, 'task', (t) =>
  t.field({
    type: TaskType,
    nullable: true,
    description: 'The task it is about; null when it is about none.',
    // Each spawn on its way to a daemon passes here.
    resolve: ({ taskId }, _, { loaders }, info) => {
      if (!taskId) return null;
      return asksOnlyForId(info) ? ({ id: taskId } as Task) : loaders.get(Task, taskId);
    },
  }),
);
builder.objectField(DaemonType, 'runningTasks', (t) =>
  t.int({
    description: 'How many work tasks it has now.',
    resolve: async (daemon, _, { loaders }) => {
      const tasks = await loaders.many(Task, 'daemonId', daemon.id, {
        role: 'WORK',
        status: ['STARTING', 'RUNNING', 'CANCELLING'],
      });
      return tasks.length;
    },
  }),
);
