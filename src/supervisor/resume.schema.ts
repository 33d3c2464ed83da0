import { Checkpoint } from '../checkpoints/checkpoint.entity.ts';
import { CheckpointType } from '../checkpoints/checkpoint.schema.ts';
import { ContractPhaseType } from '../contracts/contract.schema.ts';
import { Daemon } from '../daemons/daemon.entity.ts';
import { DaemonType } from '../daemons/daemon.schema.ts';
import { ContractEvent, registerEventTypes } from '../events/event.schema.ts';
import type { EventOf, LoggedEvent } from '../events/event-types.ts';
import { builder } from '../graphql/builder.ts';
import { REQUEST_ID } from '../graphql/request-id.ts';
import type { Task } from '../tasks/task.entity.ts';
import { TaskStatusType, TaskType } from '../tasks/task.schema.ts';
import { type ResumedFrom, resumeSupervisor } from './resume-supervisor.ts';
import { type Rewound, rewindConversation } from './rewind-conversation.ts';

const ResumeModeType = builder.enumType('ResumeMode', {
  description: 'From where a supervisor goes on.',
  values: {
    CONTINUE: {
      description:
        'In the same session where that still is, else in a new one that is told the conversation; with the latest checkpoint where the working copy is gone.',
    },
    RESTART_PHASE: { description: 'In a new session without the conversation; phase and code stay.' },
    FROM_CHECKPOINT: {
      description: 'In a new session, with code and conversation as they were at a checkpoint.',
    },
  },
});
const ResumeSupervisorInput = builder.inputType('ResumeSupervisorInput', {
  description: 'Which supervisor to start again, and from where.',
  fields: (t) => ({
    contractId: t.id({ required: true, description: 'The contract.' }),
    mode: t.field({
      type: ResumeModeType,
      required: true,
      defaultValue: 'CONTINUE',
      description: 'From where it goes on.',
    }),
    checkpointId: t.id({
      description: "With FROM_CHECKPOINT: a checkpoint of the supervisor's working copy.",
    }),
    requestId: t.string({ description: REQUEST_ID }),
  }),
});
const ResumedFromType = builder.objectRef<ResumedFrom>('ResumedFrom').implement({
  description: 'Where a supervisor goes on from.',
  fields: (t) => ({
    phase: t.field({ type: ContractPhaseType, description: 'The phase.', resolve: ({ phase }) => phase }),
    lastActivity: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When its agent last said something; null when it never did.',
      resolve: ({ lastActivity }) => lastActivity,
    }),
    messageCount: t.exposeInt('messageCount', {
      description: 'How many messages of the conversation it goes on with.',
    }),
  }),
});
const ResumeSupervisorPayload = builder
  .objectRef<{ task: Task; resumedFrom: ResumedFrom }>('ResumeSupervisorPayload')
  .implement({
    description: 'The supervisor, started again.',
    fields: (t) => ({
      task: t.field({ type: TaskType, description: 'The supervisor.', resolve: ({ task }) => task }),
      daemon: t.field({
        type: DaemonType,
        nullable: true,
        description: 'The daemon it is started on; null while it waits for one.',
        resolve: ({ task }, _, { loaders }) => (task.daemonId ? loaders.get(Daemon, task.daemonId) : null),
      }),
      status: t.field({
        type: TaskStatusType,
        description: 'STARTING, or PENDING while it waits for a daemon.',
        resolve: ({ task }) => task.status,
      }),
      resumedFrom: t.field({
        type: ResumedFromType,
        description: 'Where it goes on from.',
        resolve: ({ resumedFrom }) => resumedFrom,
      }),
    }),
  });

const RewindConversationInput = builder.inputType('RewindConversationInput', {
  description: 'How far to go back: by a count, or to a message.',
  fields: (t) => ({
    contractId: t.id({ required: true, description: 'The contract.' }),
    byMessageCount: t.int({
      description:
        'How many of the last messages go; more than there are: all. 1 when toMessageId is not given.',
    }),
    toMessageId: t.id({ description: 'The message that stays as the last one.' }),
    rewindCode: t.boolean({
      defaultValue: false,
      description:
        "Whether the supervisor's working copy goes back as well: to the last checkpoint at or before the message that stays.",
    }),
    dryRun: t.boolean({ defaultValue: false, description: 'Only tell what would be done.' }),
    requestId: t.string({ description: REQUEST_ID }),
  }),
});
const RewindConversationPayload = builder.objectRef<Rewound>('RewindConversationPayload').implement({
  description: 'What was rewound, or would be.',
  fields: (t) => ({
    messagesRemoved: t.exposeInt('messagesRemoved', { description: 'How many messages go.' }),
    newMessageCount: t.exposeInt('newMessageCount', { description: 'How many stay.' }),
    codeRewound: t.exposeBoolean('codeRewound', {
      description: 'Whether the working copy was, or in a dry run would be, taken back.',
    }),
    checkpoint: t.field({
      type: CheckpointType,
      nullable: true,
      description: 'Where the code goes back to; null when it stays.',
      resolve: ({ checkpointId }, _, { loaders }) =>
        checkpointId ? loaders.get(Checkpoint, checkpointId) : null,
    }),
    undoCheckpoint: t.field({
      type: CheckpointType,
      nullable: true,
      description:
        'The state before: resumeSupervisor FROM_CHECKPOINT with it undoes the rewinding. null when only the conversation was rewound, in a dry run, and while the daemon is at it.',
      resolve: ({ undoCheckpointId }, _, { loaders }) =>
        undoCheckpointId ? loaders.get(Checkpoint, undoCheckpointId) : null,
    }),
    pending: t.exposeBoolean('pending', {
      description: 'Whether the daemon is still at it; the result comes in the log.',
    }),
  }),
});

builder.mutationFields((t) => ({
  resumeSupervisor: t.field({
    type: ResumeSupervisorPayload,
    description:
      'Starts a supervisor again that does not run. Fails with ALREADY_RUNNING when it does, on a connected daemon. For the owner.',
    args: {
      input: t.arg({
        type: ResumeSupervisorInput,
        required: true,
        description: 'Which one, and from where.',
      }),
    },
    resolve: (_, { input }, context) => resumeSupervisor(context.operation(), input),
  }),
  rewindConversation: t.field({
    type: RewindConversationPayload,
    description:
      "Takes the supervisor's conversation back, and its code with it where wanted. A running supervisor is paused first and stays so; its next start is a new session. For the owner.",
    args: { input: t.arg({ type: RewindConversationInput, required: true, description: 'How far.' }) },
    resolve: (_, { input }, context) => rewindConversation(context.operation(), input),
  }),
}));

builder.objectRef<EventOf<'CONVERSATION_REWOUND'>>('ConversationRewoundEvent').implement({
  description: 'The conversation of the supervisor was taken back.',
  interfaces: [ContractEvent],
  isTypeOf: (value) => (value as LoggedEvent).type === 'CONVERSATION_REWOUND',
  fields: (t) => ({
    messagesRemoved: t.int({
      description: 'How many messages went.',
      resolve: ({ data }) => data.messagesRemoved,
    }),
    newMessageCount: t.int({ description: 'How many stayed.', resolve: ({ data }) => data.newMessageCount }),
    undoCheckpoint: t.field({
      type: CheckpointType,
      nullable: true,
      description: 'The state before, when the code went back too; else null.',
      resolve: ({ data }, _, { loaders }) =>
        data.undoCheckpointId ? loaders.get(Checkpoint, data.undoCheckpointId) : null,
    }),
  }),
});
registerEventTypes('ConversationRewoundEvent', ['CONVERSATION_REWOUND']);
