import type { Daemon } from '../daemons/daemon.entity.ts';
import { DaemonType } from '../daemons/daemon.schema.ts';
import { registerDaemon } from '../daemons/daemon.service.ts';
import { OutputTypeType } from '../events/output.schema.ts';
import { builder } from '../graphql/builder.ts';
import type { Loaders } from '../graphql/loaders.ts';
import { appendTaskOutput } from './append-output.ts';
import { REPORTED_STATUSES, type ReportedStatus, reportTask } from './report-task.ts';
import { Task } from './task.entity.ts';
import { TaskType } from './task.schema.ts';
import { TaskAttempt } from './task-attempt.entity.ts';

interface DaemonTask {
  readonly task: Task;
  readonly attempt: number;
  readonly nextOutputIndex: number;
}
const DaemonTaskType = builder.objectRef<DaemonTask>('DaemonTask').implement({
  description: 'An attempt that the server believes a daemon has.',
  fields: (t) => ({
    task: t.field({ type: TaskType, description: 'The task.', resolve: ({ task }) => task }),
    attempt: t.exposeInt('attempt', { description: 'The attempt.' }),
    nextOutputIndex: t.exposeInt('nextOutputIndex', { description: 'How much of its output is stored.' }),
  }),
});

const RegisterDaemonInput = builder.inputType('RegisterDaemonInput', {
  description: 'A daemon introduces itself.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'What it calls itself.' }),
    hostname: t.string({ required: true, description: 'The machine it runs on.' }),
    version: t.string({ required: true, description: 'Its version of Taskmesh.' }),
    agents: t.stringList({ required: true, description: 'The agent profiles it offers.' }),
    localPaths: t.stringList({ defaultValue: [], description: 'Where on its machine repositories may lie.' }),
    maxConcurrentTasks: t.int({
      required: true,
      description: 'How many work tasks it runs at once, 1 to 1,000.',
    }),
  }),
});
const RegisterDaemonPayload = builder.objectRef<Daemon>('RegisterDaemonPayload').implement({
  description: 'The daemon, connected.',
  fields: (t) => ({
    daemon: t.field({ type: DaemonType, description: 'The daemon.', resolve: (daemon) => daemon }),
    epoch: t.exposeInt('epoch', {
      description: 'The number of this connection: it fences the earlier ones.',
    }),
    tasks: t.field({
      type: [DaemonTaskType],
      description: 'What the server believes it has: whatever else it runs is to be stopped.',
      resolve: async (daemon, _, { loaders }) => {
        const tasks = await loaders.many(Task, 'daemonId', daemon.id, {
          status: ['STARTING', 'RUNNING', 'CANCELLING', 'PAUSED', 'WAITING'],
        });
        return Promise.all(tasks.map((task) => heldTask(task, loaders)));
      },
    }),
  }),
});

async function heldTask(task: Task, loaders: Loaders): Promise<DaemonTask> {
  const attempts = await loaders.many(TaskAttempt, 'taskId', task.id, {}, 'attempt');
  const current = attempts.find((attempt) => attempt.attempt === task.attempt);
  return { task, attempt: task.attempt, nextOutputIndex: current?.nextOutputIndex ?? 0 };
}

const OutputEntryInput = builder.inputType('OutputEntryInput', {
  description: 'Something an agent said or did.',
  fields: (t) => ({
    type: t.field({ type: OutputTypeType, required: true, description: 'What kind.' }),
    content: t.string({
      required: true,
      description: 'The text. NUL and broken Unicode are stored as U+FFFD.',
    }),
    messageId: t.string({ description: 'Shared by the chunks of one message.' }),
    toolName: t.string({ description: 'The tool that was called.' }),
    toolInput: t.field({ type: 'JSON', description: 'What the tool was given.' }),
    isError: t.boolean({ defaultValue: false, description: 'Whether it tells of a failure.' }),
    isPartial: t.boolean({ defaultValue: false, description: 'Whether more chunks of the message follow.' }),
    costUsd: t.float({ description: 'What it cost, in US dollars.' }),
    durationMs: t.int({ description: 'How long it took, in milliseconds.' }),
    createdAt: t.field({ type: 'DateTime', required: true, description: "When, by the daemon's clock." }),
  }),
});
const UsageInput = builder.inputType('UsageInput', {
  description: 'What an attempt has used so far, in total: the same again changes nothing.',
  fields: (t) => ({
    costUsd: t.float({ required: true, description: 'In US dollars.' }),
    tokens: t.float({
      required: true,
      description: 'Tokens, a whole number; as Float since Int ends at 2^31.',
    }),
  }),
});
const AppendTaskOutputInput = builder.inputType('AppendTaskOutputInput', {
  description: 'A batch of output of one attempt.',
  fields: (t) => ({
    taskId: t.id({ required: true, description: 'The task.' }),
    attempt: t.int({ required: true, description: 'The attempt.' }),
    firstIndex: t.int({
      required: true,
      description: 'The index of the first entry among all of this attempt, from 0.',
    }),
    entries: t.field({
      type: [OutputEntryInput],
      required: true,
      description: 'The entries, at most 5,000.',
    }),
    usage: t.field({ type: UsageInput, description: 'What the attempt has used so far; else unchanged.' }),
  }),
});
const AppendTaskOutputPayload = builder
  .objectRef<{ nextIndex: number; stale: boolean }>('AppendTaskOutputPayload')
  .implement({
    description: 'What is stored now.',
    fields: (t) => ({
      nextIndex: t.exposeInt('nextIndex', { description: 'The index to go on from.' }),
      stale: t.exposeBoolean('stale', {
        description: 'Whether the attempt is over: then its agent is to be stopped.',
      }),
    }),
  });

const REPORTED: Record<ReportedStatus, string> = {
  RUNNING: 'Its agent has started.',
  WAITING: "A supervisor's turn has ended and its contract is open.",
  DONE: 'Its agent ended well.',
  FAILED: 'It could not be started, or its agent ended badly.',
  INTERRUPTED: 'The daemon gives it back.',
  CANCELLED: 'Its process group is gone, as was asked for.',
};
const ReportedStatusType = builder.enumType('ReportedStatus', {
  description: 'What a daemon reports of a task.',
  values: Object.fromEntries(
    REPORTED_STATUSES.map((status) => [status, { description: REPORTED[status] }]),
  ) as Record<ReportedStatus, { description: string }>,
});
const WorktreeReportInput = builder.inputType('WorktreeReportInput', {
  description: 'The working copy a task got.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'The working copy, as the command named it.' }),
    path: t.string({ required: true, description: "Where it is on the daemon's machine." }),
    branch: t.string({ required: true, description: 'Its branch.' }),
    baseBranch: t.string({ description: 'The branch it was started from; null when from no branch.' }),
    baseSha: t.string({ required: true, description: 'The commit it was started from.' }),
  }),
});
const ReportTaskInput = builder.inputType('ReportTaskInput', {
  description: 'What became of a task.',
  fields: (t) => ({
    taskId: t.id({ required: true, description: 'The task.' }),
    attempt: t.int({ required: true, description: 'The attempt.' }),
    status: t.field({ type: ReportedStatusType, required: true, description: 'What became of it.' }),
    outputCount: t.int({
      required: true,
      description: 'How many output entries this attempt has: an end comes after the last of them.',
    }),
    worktree: t.field({ type: WorktreeReportInput, description: 'Its working copy, with the first report.' }),
    sessionId: t.string({
      description:
        'The session of an agent that has conversations, in which it can be gone on with on this daemon; else unchanged.',
    }),
    outputSummary: t.string({ description: 'The last its agent said.' }),
    errorMessage: t.string({ description: 'Why it failed or is given back.' }),
  }),
});
const ReportTaskPayload = builder.objectRef<Task>('ReportTaskPayload').implement({
  description: 'The task.',
  fields: (t) => ({ task: t.field({ type: TaskType, description: 'The task.', resolve: (task) => task }) }),
});

builder.mutationFields((t) => ({
  registerDaemon: t.field({
    type: RegisterDaemonPayload,
    description:
      "Connects a daemon. The key's first registration makes it; each further one is a new epoch. For daemons.",
    args: { input: t.arg({ type: RegisterDaemonInput, required: true, description: 'What it is.' }) },
    resolve: (_, { input }, context) => registerDaemon(context.operation(), input),
  }),
  appendTaskOutput: t.field({
    type: AppendTaskOutputPayload,
    description:
      'Stores output, each index once. Fails with OUTPUT_GAP and `extensions.nextIndex` when entries before the batch are missing. For daemons.',
    args: { input: t.arg({ type: AppendTaskOutputInput, required: true, description: 'The batch.' }) },
    resolve: (_, { input }, context) => appendTaskOutput(context.operation(), input),
  }),
  reportTask: t.field({
    type: ReportTaskPayload,
    description:
      'Reports what became of a task. Fails with STALE_ATTEMPT when it was started again since. For daemons.',
    args: { input: t.arg({ type: ReportTaskInput, required: true, description: 'The report.' }) },
    resolve: (_, { input }, context) => reportTask(context.operation(), input),
  }),
}));
