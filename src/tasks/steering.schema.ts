import { builder } from '../graphql/builder.ts';
import { REQUEST_ID } from '../graphql/request-id.ts';
import { pauseTask, resumeTask } from './pause-task.ts';
import { retryTask } from './retry-task.ts';
import { taskPayload } from './task.mutations.ts';

function taskInput(name: string, description: string) {
  return builder.inputType(name, {
    description,
    fields: (t) => ({
      taskId: t.id({ required: true, description: 'The task.' }),
      requestId: t.string({ description: REQUEST_ID }),
    }),
  });
}

const PauseTaskInput = taskInput('PauseTaskInput', 'Which task to pause.');
const ResumeTaskInput = taskInput('ResumeTaskInput', 'Which task to let go on.');
const RetryTaskInput = taskInput('RetryTaskInput', 'Which task to start again.');

builder.mutationFields((t) => ({
  pauseTask: t.field({
    type: taskPayload('PauseTaskPayload', 'The task, PAUSED.'),
    description:
      'Holds the processes of a running task and saves its working copy. For the owner and the supervisor.',
    args: { input: t.arg({ type: PauseTaskInput, required: true, description: 'Which task.' }) },
    resolve: (_, { input }, context) => pauseTask(context.operation(), input),
  }),
  resumeTask: t.field({
    type: taskPayload('ResumeTaskPayload', 'The task: RUNNING, or PENDING when its daemon is gone.'),
    description:
      'Lets a paused task go on; with its daemon gone, from its last checkpoint on another. For the owner and the supervisor.',
    args: { input: t.arg({ type: ResumeTaskInput, required: true, description: 'Which task.' }) },
    resolve: (_, { input }, context) => resumeTask(context.operation(), input),
  }),
  retryTask: t.field({
    type: taskPayload('RetryTaskPayload', 'The task, PENDING.'),
    description: 'Starts a task again that FAILED or was CANCELLED. For the owner and the supervisor.',
    args: { input: t.arg({ type: RetryTaskInput, required: true, description: 'Which task.' }) },
    resolve: (_, { input }, context) => retryTask(context.operation(), input),
  }),
}));
