import { contractSource } from '../contracts/contract.events.ts';
import { AFTER_SEQUENCE, ContractEvent, registerEventTypes } from '../events/event.schema.ts';
import { eventSource } from '../events/event-source.ts';
import type { EventOf, LoggedEvent } from '../events/event-types.ts';
import { OutputTypeType } from '../events/output.schema.ts';
import { type EventFilter, startingPosition } from '../events/read.ts';
import { builder } from '../graphql/builder.ts';
import type { Context } from '../graphql/context.ts';
import { authorize } from '../keys/permissions.ts';
import { invalidInput } from '../platform/errors.ts';
import type { Operation } from '../platform/runtime.ts';
import { findTask } from './task.access.ts';
import { Task } from './task.entity.ts';
import { TaskMessageType } from './task.mutations.ts';
import { TaskRoleType, TaskStatusType, TaskType } from './task.schema.ts';
import type { TaskStatus } from './task.states.ts';
import { TaskMessage } from './task-message.entity.ts';

const isA = (types: readonly string[]) => (value: unknown) => types.includes((value as LoggedEvent).type);
const taskOf = (event: LoggedEvent, context: Context) => context.loaders.get(Task, String(event.taskId));

export const OutputEntryType = builder.objectRef<EventOf<'OUTPUT'>>('OutputEntry').implement({
  description:
    'Something an agent said or did. A streamed message is several entries that share a messageId.',
  interfaces: [ContractEvent],
  isTypeOf: isA(['OUTPUT']),
  fields: (t) => ({
    task: t.field({
      type: TaskType,
      description: 'Whose output it is.',
      resolve: (event, _, context) => taskOf(event, context),
    }),
    attempt: t.int({ description: 'The attempt that said it.', resolve: ({ data }) => data.attempt }),
    messageId: t.string({
      nullable: true,
      description: 'Shared by the chunks of one message; null for a message of one entry.',
      resolve: ({ data }) => data.messageId ?? null,
    }),
    type: t.field({
      type: OutputTypeType,
      description: 'What kind of output it is.',
      resolve: ({ data }) => data.type,
    }),
    content: t.string({ description: 'The text.', resolve: ({ data }) => data.content }),
    toolName: t.string({
      nullable: true,
      description: 'The tool; null when it is about none.',
      resolve: ({ data }) => data.toolName ?? null,
    }),
    toolInput: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What the tool was given; null when nothing.',
      resolve: ({ data }) => data.toolInput ?? null,
    }),
    isError: t.boolean({
      description: 'Whether it tells of a failure.',
      resolve: ({ data }) => data.isError ?? false,
    }),
    isPartial: t.boolean({
      description: 'Whether more chunks of the message follow.',
      resolve: ({ data }) => data.isPartial ?? false,
    }),
    costUsd: t.float({
      nullable: true,
      description: 'What it cost, in US dollars; null when not reported.',
      resolve: ({ data }) => data.costUsd ?? null,
    }),
    durationMs: t.int({
      nullable: true,
      description: 'How long it took, in milliseconds; null when not reported.',
      resolve: ({ data }) => data.durationMs ?? null,
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: "When, by the daemon's clock.",
      resolve: ({ data }) => data.createdAt,
    }),
  }),
});
registerEventTypes('OutputEntry', ['OUTPUT']);

export const TaskUpdatedEvent = builder
  .objectRef<EventOf<'TASK_CREATED' | 'TASK_UPDATED'>>('TaskUpdatedEvent')
  .implement({
    description: 'A task was added, or changed its status or assignment.',
    interfaces: [ContractEvent],
    isTypeOf: isA(['TASK_CREATED', 'TASK_UPDATED']),
    fields: (t) => ({
      task: t.field({
        type: TaskType,
        description: 'The task as it is now.',
        resolve: (event, _, context) => taskOf(event, context),
      }),
      status: t.field({
        type: TaskStatusType,
        description: 'Its status after this change.',
        resolve: ({ data }) => data.status as TaskStatus,
      }),
      version: t.int({ description: 'Its version after this change.', resolve: ({ data }) => data.version }),
      updatedFields: t.stringList({
        description: 'What changed; empty when it was added.',
        resolve: ({ data }) => data.updatedFields,
      }),
      updatedBy: t.string({ description: 'Who did it.', resolve: ({ data }) => data.updatedBy }),
    }),
  });
registerEventTypes('TaskUpdatedEvent', ['TASK_CREATED', 'TASK_UPDATED']);

export const TaskCompletedEvent = builder
  .objectRef<EventOf<'TASK_COMPLETED'>>('TaskCompletedEvent')
  .implement({
    description: 'A task was completed. It comes after the last of its output.',
    interfaces: [ContractEvent],
    isTypeOf: isA(['TASK_COMPLETED']),
    fields: (t) => ({
      task: t.field({
        type: TaskType,
        description: 'The task as it is now.',
        resolve: (event, _, context) => taskOf(event, context),
      }),
      status: t.field({
        type: TaskStatusType,
        description: 'How it ended.',
        resolve: ({ data }) => data.status as TaskStatus,
      }),
      outputSummary: t.string({
        nullable: true,
        description: 'What its agent said in the end; null when nothing.',
        resolve: ({ data }) => data.outputSummary,
      }),
      errorMessage: t.string({
        nullable: true,
        description: 'What went wrong; null when nothing did.',
        resolve: ({ data }) => data.errorMessage,
      }),
    }),
  });
registerEventTypes('TaskCompletedEvent', ['TASK_COMPLETED']);

builder.objectRef<EventOf<'TASK_STALLED'>>('TaskStalledEvent').implement({
  description: 'A task has been silent for 10 minutes. Nothing was done about it.',
  interfaces: [ContractEvent],
  isTypeOf: isA(['TASK_STALLED']),
  fields: (t) => ({
    task: t.field({
      type: TaskType,
      description: 'The task.',
      resolve: (event, _, context) => taskOf(event, context),
    }),
  }),
});
registerEventTypes('TaskStalledEvent', ['TASK_STALLED']);

builder.objectRef<EventOf<'MESSAGE_SENT'>>('MessageSentEvent').implement({
  description: 'A message was sent to a task.',
  interfaces: [ContractEvent],
  isTypeOf: isA(['MESSAGE_SENT']),
  fields: (t) => ({
    task: t.field({
      type: TaskType,
      description: 'The task it is for.',
      resolve: (event, _, context) => taskOf(event, context),
    }),
    message: t.field({
      type: TaskMessageType,
      description: 'The message.',
      resolve: (event, _, { loaders }) => loaders.get(TaskMessage, event.data.messageId),
    }),
  }),
});
registerEventTypes('MessageSentEvent', ['MESSAGE_SENT']);

/** One task's events for a caller who may read it. */
async function taskSource(
  op: Operation,
  taskId: string,
  afterSequence: number | null | undefined,
  filter: EventFilter,
): Promise<AsyncIterableIterator<LoggedEvent>> {
  authorize(op.principal, 'read');
  const task = await findTask(op.em, op.principal, taskId);
  const position = await startingPosition(op.em, task.contractId, afterSequence);
  return eventSource(op.runtime, task.contractId, position, { ...filter, taskId: task.id });
}

/** The filter lets only this type through. */
function eventAs<T extends LoggedEvent>(event: LoggedEvent, context: Context): T {
  context.startEvent();
  return event as T;
}

builder.subscriptionFields((t) => ({
  taskOutput: t.field({
    type: OutputEntryType,
    description: "One task's output. For the owner and the contract's tasks.",
    args: {
      taskId: t.arg.id({ required: true, description: 'The task.' }),
      afterSequence: t.arg.int({ description: AFTER_SEQUENCE }),
    },
    subscribe: (_, { taskId, afterSequence }, context) =>
      taskSource(context.operation(), taskId, afterSequence, { types: ['OUTPUT'] }),
    resolve: (event, _, context) => eventAs<EventOf<'OUTPUT'>>(event, context),
  }),
  contractOutput: t.field({
    type: OutputEntryType,
    description: "The output of all of a contract's tasks. For the owner and the contract's tasks.",
    args: {
      contractId: t.arg.id({ required: true, description: 'The contract.' }),
      afterSequence: t.arg.int({ description: AFTER_SEQUENCE }),
      role: t.arg({ type: TaskRoleType, description: 'Only the output of tasks of this role.' }),
    },
    subscribe: (_, { contractId, afterSequence, role }, context) =>
      contractSource(context.operation(), contractId, afterSequence, {
        types: ['OUTPUT'],
        ...(role ? { role } : {}),
      }),
    resolve: (event, _, context) => eventAs<EventOf<'OUTPUT'>>(event, context),
  }),
  taskCompleted: t.field({
    type: TaskCompletedEvent,
    description:
      "Completions: of a contract's tasks, or of one task. For the owner and the contract's tasks.",
    args: {
      contractId: t.arg.id({ description: 'The contract whose tasks to watch. Give this or taskId.' }),
      taskId: t.arg.id({ description: 'The one task to watch. Give this or contractId.' }),
      afterSequence: t.arg.int({ description: AFTER_SEQUENCE }),
    },
    subscribe: (_, { contractId, taskId, afterSequence }, context) => {
      const filter = { types: ['TASK_COMPLETED'] as const };
      if (taskId && !contractId) return taskSource(context.operation(), taskId, afterSequence, filter);
      if (contractId && !taskId)
        return contractSource(context.operation(), contractId, afterSequence, filter);
      context.operation();
      throw invalidInput('contractId', 'taskCompleted takes either contractId or taskId.');
    },
    resolve: (event, _, context) => eventAs<EventOf<'TASK_COMPLETED'>>(event, context),
  }),
  taskUpdated: t.field({
    type: TaskUpdatedEvent,
    description:
      "Tasks that are added, change their status or their assignment. For the owner and the contract's tasks.",
    args: {
      contractId: t.arg.id({ required: true, description: 'The contract.' }),
      afterSequence: t.arg.int({ description: AFTER_SEQUENCE }),
    },
    subscribe: (_, { contractId, afterSequence }, context) =>
      contractSource(context.operation(), contractId, afterSequence, {
        types: ['TASK_CREATED', 'TASK_UPDATED'],
      }),
    resolve: (event, _, context) => eventAs<EventOf<'TASK_CREATED' | 'TASK_UPDATED'>>(event, context),
  }),
}));
