import { builder } from '../graphql/builder.ts';
import { TaskStatusType, TaskType } from './task.schema.ts';
import { type WaitResult, waitForTasks } from './wait-for-task.ts';

const WaitResultType = builder.objectRef<WaitResult>('WaitResult').implement({
  description: 'What waiting for a task came to.',
  fields: (t) => ({
    task: t.field({ type: TaskType, description: 'The task.', resolve: ({ task }) => task }),
    status: t.field({
      type: TaskStatusType,
      description: 'Where it stands now.',
      resolve: ({ task }) => task.status,
    }),
    completed: t.exposeBoolean('completed', {
      description: 'Whether it is completed: DONE, FAILED, MERGED or CANCELLED.',
    }),
    timedOut: t.exposeBoolean('timedOut', {
      description: 'Whether the time was up first. The task goes on.',
    }),
    outputSummary: t.string({
      nullable: true,
      description: 'What its agent said in the end; null before, or when it said nothing.',
      resolve: ({ task }) => task.outputSummary ?? null,
    }),
    errorMessage: t.string({
      nullable: true,
      description: 'What went wrong; null when nothing did.',
      resolve: ({ task }) => task.errorMessage ?? null,
    }),
  }),
});

const WaitModeType = builder.enumType('WaitMode', {
  description: 'When waiting for several tasks is over.',
  values: {
    ALL: { description: 'When all are completed.' },
    ANY: { description: 'When one is completed.' },
  },
});

const TIMEOUT = 'How long to wait, 1 to 3,600 seconds. Behind a proxy wait in slices of 50 s.';

builder.queryFields((t) => ({
  waitForTask: t.field({
    type: WaitResultType,
    description: 'Returns when the task is completed, at once if it is, or when the time is up.',
    args: {
      taskId: t.arg.id({ required: true, description: 'The task.' }),
      timeoutSeconds: t.arg.int({ defaultValue: 300, description: TIMEOUT }),
    },
    resolve: async (_, { taskId, timeoutSeconds }, context) => {
      const [result] = await waitForTasks(context.operation(), [taskId], 'ALL', timeoutSeconds ?? 300);
      return result as WaitResult;
    },
  }),
  waitForTasks: t.field({
    type: [WaitResultType],
    description: 'The same for several tasks of the owner: one result each, in the order asked for.',
    args: {
      taskIds: t.arg.idList({ required: true, description: 'The tasks, at most 200.' }),
      mode: t.arg({
        type: WaitModeType,
        defaultValue: 'ALL',
        description: 'Whether to wait for all or for any.',
      }),
      timeoutSeconds: t.arg.int({ defaultValue: 300, description: TIMEOUT }),
    },
    resolve: (_, { taskIds, mode, timeoutSeconds }, context) =>
      waitForTasks(context.operation(), taskIds, mode ?? 'ALL', timeoutSeconds ?? 300),
  }),
}));
