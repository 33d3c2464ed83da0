import { builder } from '../graphql/builder.ts';
import { REQUEST_ID } from '../graphql/request-id.ts';
import { acknowledgeMessages, readInbox, sendMessage } from './message.service.ts';
import type { Task } from './task.entity.ts';
import { TaskType } from './task.schema.ts';
import { cancelTask, finishTask } from './task.service.ts';
import { MESSAGE_SENDERS, type MessageSender, type TaskMessage } from './task-message.entity.ts';

/** A payload with nothing but the task. */
export function taskPayload(name: string, description: string) {
  return builder.objectRef<Task>(name).implement({
    description,
    fields: (t) => ({ task: t.field({ type: TaskType, description: 'The task.', resolve: (task) => task }) }),
  });
}

const CancelTaskInput = builder.inputType('CancelTaskInput', {
  description: 'Which task to cancel.',
  fields: (t) => ({
    taskId: t.id({ required: true, description: 'The task.' }),
    reason: t.string({ description: 'Why; it becomes the errorMessage.' }),
    requestId: t.string({ description: REQUEST_ID }),
  }),
});
const FinishTaskInput = builder.inputType('FinishTaskInput', {
  description: 'How a task ended.',
  fields: (t) => ({
    summary: t.string({ required: true, description: 'What was done, for the supervisor.' }),
    success: t.boolean({
      defaultValue: true,
      description: 'false: the task FAILED, whatever its exit code.',
    }),
  }),
});

const SENDERS: Record<MessageSender, string> = {
  PERSON: 'The owner.',
  SUPERVISOR: "The contract's supervisor.",
  TASK: 'Another task.',
  SYSTEM: 'Taskmesh itself.',
};
const MessageSenderType = builder.enumType('MessageSender', {
  description: 'Who sent a message.',
  values: Object.fromEntries(
    MESSAGE_SENDERS.map((sender) => [sender, { description: SENDERS[sender] }]),
  ) as Record<MessageSender, { description: string }>,
});
export const TaskMessageType = builder.objectRef<TaskMessage>('TaskMessage').implement({
  description: 'A message to an agent.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Its id.' }),
    number: t.exposeInt('number', { description: '1, 2, 3 … in the inbox of the task.' }),
    sender: t.field({
      type: MessageSenderType,
      description: 'Who sent it.',
      resolve: (message) => message.sender,
    }),
    content: t.exposeString('content', { description: 'The text.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was sent.' }),
  }),
});
const SendMessageInput = builder.inputType('SendMessageInput', {
  description: 'A message to an agent.',
  fields: (t) => ({
    taskId: t.id({ required: true, description: 'The task whose agent it is for.' }),
    content: t.string({ required: true, description: 'The text.' }),
    requestId: t.string({ description: REQUEST_ID }),
  }),
});
const SendMessagePayload = builder.objectRef<TaskMessage>('SendMessagePayload').implement({
  description: 'The message, stored.',
  fields: (t) => ({
    message: t.field({ type: TaskMessageType, description: 'The message.', resolve: (message) => message }),
  }),
});
const AcknowledgeMessagesInput = builder.inputType('AcknowledgeMessagesInput', {
  description: 'Which messages have arrived.',
  fields: (t) => ({
    upTo: t.int({ required: true, description: 'The number of the last of them.' }),
    asPrompt: t.boolean({
      defaultValue: true,
      description:
        'Whether an agent that has conversations was told them by a prompt, which its output records. false: it read them by itself, so they go into the conversation here.',
    }),
  }),
});
const AcknowledgeMessagesPayload = builder
  .objectRef<{ acknowledged: number }>('AcknowledgeMessagesPayload')
  .implement({
    description: 'How many messages that concerned.',
    fields: (t) => ({
      acknowledged: t.exposeInt('acknowledged', { description: 'How many were not acknowledged before.' }),
    }),
  });

builder.queryField('inbox', (t) =>
  t.field({
    type: [TaskMessageType],
    description:
      'The messages to a task that it has not acknowledged, in order; acknowledgeMessages says that they have arrived. For the task itself.',
    args: {
      timeoutSeconds: t.arg.int({
        defaultValue: 0,
        description: 'How long to wait for a message when there is none, 0 to 3,600.',
      }),
    },
    resolve: (_, { timeoutSeconds }, context) => readInbox(context.operation(), timeoutSeconds ?? 0),
  }),
);

builder.mutationFields((t) => ({
  cancelTask: t.field({
    type: taskPayload(
      'CancelTaskPayload',
      'The task: CANCELLED, or CANCELLING until its daemon has confirmed.',
    ),
    description: 'Cancels a task that is not completed. For the owner and the supervisor.',
    args: { input: t.arg({ type: CancelTaskInput, required: true, description: 'Which task.' }) },
    resolve: (_, { input }, context) => cancelTask(context.operation(), input),
  }),
  finishTask: t.field({
    type: taskPayload('FinishTaskPayload', 'The task.'),
    description: 'A task says how it ended; it counts when its agent has ended. For the task itself.',
    args: { input: t.arg({ type: FinishTaskInput, required: true, description: 'How it ended.' }) },
    resolve: (_, { input }, context) => finishTask(context.operation(), input),
  }),
  sendMessage: t.field({
    type: SendMessagePayload,
    description:
      'Sends a message to a task, stored until its agent has read it. For the owner and the supervisor.',
    args: { input: t.arg({ type: SendMessageInput, required: true, description: 'The message.' }) },
    resolve: (_, { input }, context) => sendMessage(context.operation(), input),
  }),
  acknowledgeMessages: t.field({
    type: AcknowledgeMessagesPayload,
    description: 'A task has messages: they are not given again. For the task itself.',
    args: { input: t.arg({ type: AcknowledgeMessagesInput, required: true, description: 'Which ones.' }) },
    resolve: async (_, { input }, context) => ({
      acknowledged: await acknowledgeMessages(context.operation(), input),
    }),
  }),
}));
