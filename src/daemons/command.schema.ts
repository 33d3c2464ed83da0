import { builder } from '../graphql/builder.ts';
import { COMMAND_TYPES, type Command, type CommandType } from './command.entity.ts';
import { acceptCommand, commandSource, completeCommand } from './command.service.ts';

const DESCRIPTIONS: Record<CommandType, string> = {
  SPAWN_TASK: 'Start the agent of a task.',
  PAUSE_TASK: 'Pause the agent of a task.',
  RESUME_TASK: 'Let a paused agent go on.',
  CANCEL_TASK: 'End the agent of a task, with its whole process group.',
  SEND_MESSAGE: 'Give a message to an agent.',
  CREATE_CHECKPOINT: 'Save a working copy.',
  CREATE_BRANCH: 'Make a branch.',
  MERGE_TASK: "Merge a task's branch.",
  CREATE_PULL_REQUEST: 'Push a branch and open a pull request.',
  GET_TASK_DIFF: 'Say what a working copy has changed.',
  READ_FILE: 'Read a file of a working copy.',
  REWIND_WORKTREE: 'Take a working copy back to a checkpoint.',
};
const CommandTypeType = builder.enumType('CommandType', {
  description: 'What a daemon is told to do.',
  values: Object.fromEntries(
    COMMAND_TYPES.map((type) => [type, { description: DESCRIPTIONS[type] }]),
  ) as Record<CommandType, { description: string }>,
});

export const DaemonCommandType = builder.objectRef<Command>('DaemonCommand').implement({
  description: 'An instruction to a daemon, kept until the daemon has answered it. See docs/PROTOCOL.md.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Its id: a daemon executes each once.' }),
    type: t.field({ type: CommandTypeType, description: 'What to do.', resolve: (command) => command.type }),
    attempt: t.exposeInt('attempt', {
      nullable: true,
      description: 'The attempt of the task it is about; null when it is about none.',
    }),
    payload: t.field({
      type: 'JSON',
      description: 'The particulars, by type.',
      resolve: (command) => command.payload,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was given.' }),
  }),
});

const AcceptCommandInput = builder.inputType('AcceptCommandInput', {
  description: 'Which command the daemon takes on.',
  fields: (t) => ({
    commandId: t.id({ required: true, description: 'The command.' }),
    epoch: t.int({ required: true, description: 'The epoch that registerDaemon gave.' }),
  }),
});
const AcceptCommandPayload = builder
  .objectRef<{ command: Command; toolKey: string | null }>('AcceptCommandPayload')
  .implement({
    description: 'The command that was taken on.',
    fields: (t) => ({
      command: t.field({
        type: DaemonCommandType,
        description: 'The command.',
        resolve: ({ command }) => command,
      }),
      toolKey: t.exposeString('toolKey', {
        nullable: true,
        description:
          "For SPAWN_TASK the tool key of the attempt, to be put into the agent's environment; else null.",
      }),
    }),
  });

const CommandErrorInput = builder.inputType('CommandErrorInput', {
  description: 'Why a command could not be done.',
  fields: (t) => ({
    code: t.string({ required: true, description: 'One of the error codes.' }),
    message: t.string({ required: true, description: 'For a person: what happened and what to do.' }),
  }),
});
const CompleteCommandInput = builder.inputType('CompleteCommandInput', {
  description: "A daemon's answer to a command.",
  fields: (t) => ({
    commandId: t.id({ required: true, description: 'The command.' }),
    epoch: t.int({ required: true, description: 'The epoch that registerDaemon gave.' }),
    result: t.field({ type: 'JSON', description: 'What came of it, by type of command.' }),
    error: t.field({
      type: CommandErrorInput,
      description: 'Why it could not be done; without it, it was done.',
    }),
  }),
});
const CompleteCommandPayload = builder.objectRef<{ command: Command }>('CompleteCommandPayload').implement({
  description: 'The command that was answered.',
  fields: (t) => ({
    command: t.field({
      type: DaemonCommandType,
      description: 'The command.',
      resolve: ({ command }) => command,
    }),
  }),
});

builder.mutationFields((t) => ({
  acceptCommand: t.field({
    type: AcceptCommandPayload,
    description:
      'A daemon takes a command on; the same again gives the same. Fails with STALE_ATTEMPT when it was withdrawn: then it is to be dropped. For daemons.',
    args: { input: t.arg({ type: AcceptCommandInput, required: true, description: 'Which command.' }) },
    resolve: (_, { input }, context) => acceptCommand(context.operation(), input),
  }),
  completeCommand: t.field({
    type: CompleteCommandPayload,
    description: 'A daemon answers a command. The first answer counts. For daemons.',
    args: { input: t.arg({ type: CompleteCommandInput, required: true, description: 'The answer.' }) },
    resolve: (_, { input }, context) => completeCommand(context.operation(), input),
  }),
}));

builder.subscriptionField('daemonCommands', (t) =>
  t.field({
    type: DaemonCommandType,
    description:
      "A daemon's commands: the unanswered ones first, then live. It ends with STALE_EPOCH when another connection of the daemon takes over. For daemons.",
    args: {
      daemonId: t.arg.id({ required: true, description: 'The daemon itself.' }),
      epoch: t.arg.int({ required: true, description: 'The epoch that registerDaemon gave.' }),
    },
    subscribe: (_, { daemonId, epoch }, context) => commandSource(context.operation(), daemonId, epoch),
    resolve: (command, _, context) => {
      context.startEvent();
      return command;
    },
  }),
);
