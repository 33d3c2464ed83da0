import type { Contract } from '../contracts/contract.entity.ts';
import { Daemon } from '../daemons/daemon.entity.ts';
import { DaemonType } from '../daemons/daemon.schema.ts';
import { ContractEvent, registerEventTypes } from '../events/event.schema.ts';
import type { EventOf, LoggedEvent } from '../events/event-types.ts';
import { builder } from '../graphql/builder.ts';
import { REQUEST_ID } from '../graphql/request-id.ts';
import type { TaskDiffResult } from '../platform/protocol.ts';
import { Task } from '../tasks/task.entity.ts';
import { TaskCompletedEvent } from '../tasks/task.events.ts';
import { TaskType } from '../tasks/task.schema.ts';
import { tasksOfCommits } from './conflict-tasks.ts';
import { type MergeOutcome, mergeTask } from './merge-task.ts';
import { type TaskDiff, taskDiff } from './task-diff.ts';
import { Worktree } from './worktree.entity.ts';

export const WorktreeType = builder.objectRef<Worktree>('Worktree').implement({
  description: 'A working copy: the directory on a daemon in which one or more tasks work.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Its id.' }),
    path: t.exposeString('path', {
      nullable: true,
      description: "Where it is on the daemon's machine; null until it was made.",
    }),
    branch: t.exposeString('branch', { description: 'Its branch.' }),
    baseBranch: t.exposeString('baseBranch', {
      nullable: true,
      description: 'The branch it was started from; null when that is not known yet, or was none.',
    }),
    baseSha: t.exposeString('baseSha', {
      nullable: true,
      description: 'The commit it was started from; null until it was made.',
    }),
    repositoryUrl: t.string({
      nullable: true,
      description: 'The URL or the local path of its repository; null when it has none.',
      resolve: (worktree) => worktree.repositoryUrl ?? worktree.repositoryPath ?? null,
    }),
    daemon: t.field({
      type: DaemonType,
      description: 'The daemon it is on.',
      resolve: (worktree, _, { loaders }) => loaders.get(Daemon, worktree.daemonId),
    }),
  }),
});

builder.objectField(TaskType, 'worktree', (t) =>
  t.field({
    type: WorktreeType,
    nullable: true,
    description: 'The working copy it works in; null before its first start.',
    extensions: { columns: ['worktreeId'] },
    resolve: (task, _, { loaders }) => (task.worktreeId ? loaders.get(Worktree, task.worktreeId) : null),
  }),
);
builder.objectField(TaskCompletedEvent, 'worktree', (t) =>
  t.field({
    type: WorktreeType,
    nullable: true,
    description: 'The working copy the task worked in; null when it never had one.',
    resolve: async (event, _, { loaders }) => {
      const task = await loaders.get(Task, String(event.taskId));
      return task.worktreeId ? loaders.get(Worktree, task.worktreeId) : null;
    },
  }),
);

const FileChangeStatusType = builder.enumType('FileChangeStatus', {
  description: 'What happened to a file.',
  values: {
    ADDED: { description: 'It is new.' },
    MODIFIED: { description: 'Its content or mode changed.' },
    DELETED: { description: 'It is gone.' },
    RENAMED: { description: 'It has another path.' },
    TYPE_CHANGED: { description: 'It is of another kind now: a file, a symbolic link …' },
    COPIED: { description: 'It was copied from another.' },
  },
});
type DiffFile = TaskDiffResult['files'][number];
const DiffFileType = builder.objectRef<DiffFile>('DiffFile').implement({
  description: 'A file that a diff changes.',
  fields: (t) => ({
    path: t.exposeString('path', { description: 'Its path.' }),
    oldPath: t.exposeString('oldPath', {
      nullable: true,
      description: 'Its path before, when it was renamed or copied; else null.',
    }),
    status: t.field({
      type: FileChangeStatusType,
      description: 'What happened to it.',
      resolve: (file) => file.status,
    }),
    linesAdded: t.exposeInt('linesAdded', { description: 'Lines that came.' }),
    linesRemoved: t.exposeInt('linesRemoved', { description: 'Lines that went.' }),
    binary: t.exposeBoolean('binary', { description: 'Whether it is binary: then no lines are counted.' }),
  }),
});
export const TaskDiffType = builder.objectRef<TaskDiff>('TaskDiff').implement({
  description: "What a task's working copy has changed since its base.",
  fields: (t) => ({
    task: t.field({ type: TaskType, description: 'The task.', resolve: ({ task }) => task }),
    patch: t.exposeString('patch', { description: 'The unified diff.' }),
    files: t.field({
      type: [DiffFileType],
      description: 'The files it changes.',
      resolve: ({ files }) => files,
    }),
    linesAdded: t.exposeInt('linesAdded', { description: 'Lines that came.' }),
    linesRemoved: t.exposeInt('linesRemoved', { description: 'Lines that went.' }),
    truncated: t.exposeBoolean('truncated', { description: 'Whether the patch was cut at maxBytes.' }),
    baseSha: t.exposeString('baseSha', { description: 'The commit it compares with.' }),
    headSha: t.exposeString('headSha', { description: 'The commit that holds the present state.' }),
  }),
});
builder.queryField('taskDiff', (t) =>
  t.field({
    type: TaskDiffType,
    description:
      "What a task's working copy has changed, asked of its daemon; with that gone, as of the last checkpoint. For the owner, the supervisor and the red team.",
    args: {
      taskId: t.arg.id({ required: true, description: 'The task.' }),
      maxBytes: t.arg.int({
        defaultValue: 1_048_576,
        description: 'Where to cut the patch, in bytes, at most 8 MiB.',
      }),
    },
    resolve: (_, { taskId, maxBytes }, context) =>
      taskDiff(context.operation(), taskId, maxBytes ?? 1_048_576),
  }),
);

const MergeOutcomeType = builder.enumType('MergeOutcome', {
  description: 'What a merge came to.',
  values: {
    MERGED: { description: 'Done: the target was read back.' },
    UP_TO_DATE: { description: 'The target had it all already.' },
    CONFLICT: { description: 'It conflicts; everything is as it was.' },
    PENDING: { description: 'The daemon is still at it; the result comes in the log.' },
  },
});
type Conflict = MergeOutcome['conflicts'][number] & { contractId: Contract['id'] };
const MergeConflictType = builder.objectRef<Conflict>('MergeConflict').implement({
  description: 'A path on which a merge conflicts.',
  fields: (t) => ({
    path: t.exposeString('path', { description: 'The path.' }),
    kind: t.exposeString('kind', { description: "The kind of conflict, in git's words." }),
    hunks: t.exposeStringList('hunks', {
      description: 'The conflicting parts, with markers; empty when they are not text.',
    }),
    tasks: t.field({
      type: [TaskType],
      description: 'The tasks that last changed it on the two sides, as far as they are known.',
      resolve: async (conflict, _, context) => {
        const commits = [conflict.oursCommit, conflict.theirsCommit].filter((commit) => commit !== null);
        const tasks = await tasksOfCommits(context.runtime.db.fork(), conflict.contractId, commits);
        return [...new Map([...tasks.values()].map((task) => [task.id, task])).values()];
      },
    }),
  }),
});
const MergeTaskPayload = builder.objectRef<MergeOutcome>('MergeTaskPayload').implement({
  description: 'What the merge came to.',
  fields: (t) => ({
    outcome: t.field({
      type: MergeOutcomeType,
      description: 'What it came to.',
      resolve: ({ outcome }) => outcome,
    }),
    task: t.field({
      type: TaskType,
      description: 'The task: MERGED when its work is.',
      resolve: ({ task }) => task,
    }),
    message: t.exposeString('message', { description: 'The same in words.' }),
    commitSha: t.exposeString('commitSha', {
      nullable: true,
      description: 'The commit that merged it; null when there is none.',
    }),
    targetBranch: t.exposeString('targetBranch', { description: 'What it was merged into.' }),
    conflicts: t.field({
      type: [MergeConflictType],
      description: 'Where it conflicts; empty when it does not.',
      resolve: ({ conflicts, task }) =>
        conflicts.map((conflict) => ({ ...conflict, contractId: task.contractId })),
    }),
  }),
});
const MergeTaskInput = builder.inputType('MergeTaskInput', {
  description: 'What to merge where.',
  fields: (t) => ({
    taskId: t.id({ required: true, description: 'The task whose branch to merge. It must be DONE.' }),
    targetBranch: t.string({
      description: "The branch to merge into; else the task's own target, else the supervisor's branch.",
    }),
    squash: t.boolean({ defaultValue: false, description: 'One commit instead of a merge commit.' }),
    dryRun: t.boolean({ defaultValue: false, description: 'Only say what would happen.' }),
    message: t.string({ description: 'The commit message; else one that names the task.' }),
    requestId: t.string({ description: `${REQUEST_ID} After PENDING it takes the waiting up again.` }),
  }),
});
builder.mutationField('mergeTask', (t) =>
  t.field({
    type: MergeTaskPayload,
    description:
      'Merges the branch of a task. A conflict is a result, not an error. For the owner and the supervisor.',
    args: { input: t.arg({ type: MergeTaskInput, required: true, description: 'What and where.' }) },
    resolve: (_, { input }, context) => mergeTask(context.operation(), input),
  }),
);

builder.objectRef<EventOf<'MERGE_FINISHED'>>('MergeFinishedEvent').implement({
  description: 'A merge was done, or was found to conflict.',
  interfaces: [ContractEvent],
  isTypeOf: (value) => (value as LoggedEvent).type === 'MERGE_FINISHED',
  fields: (t) => ({
    task: t.field({
      type: TaskType,
      description: 'The task whose branch it was.',
      resolve: (event, _, { loaders }) => loaders.get(Task, String(event.taskId)),
    }),
    outcome: t.field({
      type: MergeOutcomeType,
      description: 'What it came to.',
      resolve: ({ data }) => data.outcome,
    }),
    targetBranch: t.string({
      description: 'What it was merged into.',
      resolve: ({ data }) => data.targetBranch,
    }),
    commitSha: t.string({
      nullable: true,
      description: 'The commit that merged it; null when there is none.',
      resolve: ({ data }) => data.commitSha,
    }),
    message: t.string({ description: 'The same in words.', resolve: ({ data }) => data.message }),
  }),
});
registerEventTypes('MergeFinishedEvent', ['MERGE_FINISHED']);
