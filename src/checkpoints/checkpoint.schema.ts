import { sql } from 'kysely';
import { ContractEvent, registerEventTypes } from '../events/event.schema.ts';
import type { EventOf, LoggedEvent } from '../events/event-types.ts';
import { builder } from '../graphql/builder.ts';
import type { Group, Loaders } from '../graphql/loaders.ts';
import { Node, registerNode } from '../graphql/node.ts';
import { REQUEST_ID } from '../graphql/request-id.ts';
import { selectedColumns } from '../graphql/selected-columns.ts';
import type { Selecting } from '../graphql/selected-fields.ts';
import { authorize } from '../keys/permissions.ts';
import type { Statements } from '../platform/database.ts';
import { DomainError, notFound } from '../platform/errors.ts';
import { type Id, parseId } from '../platform/ids.ts';
import { readGroups } from '../platform/read-rows.ts';
import { findTask } from '../tasks/task.access.ts';
import { Task } from '../tasks/task.entity.ts';
import { TaskType } from '../tasks/task.schema.ts';
import { Worktree } from '../worktrees/worktree.entity.ts';
import { TaskDiffType, WorktreeType } from '../worktrees/worktree.schema.ts';
import { WorktreeFileType } from '../worktrees/worktree-file.schema.ts';
import { Checkpoint } from './checkpoint.entity.ts';
import {
  checkpointPart,
  createCheckpoint,
  listCheckpoints,
  recordCheckpoint,
  uploadCheckpointPart,
} from './checkpoint.service.ts';

export const CheckpointType = builder.objectRef<Checkpoint>('Checkpoint');
CheckpointType.implement({
  description:
    'A commit of a working copy, whose data is stored here so that another machine can restore it.',
  interfaces: [Node],
  fields: (t) => ({
    number: t.exposeInt('number', {
      description: '1, 2, 3 … for its working copy, also when that moves to another daemon.',
    }),
    task: t.field({
      type: TaskType,
      description: 'The task it was made for.',
      extensions: { columns: ['taskId'] },
      resolve: (checkpoint, _, { loaders }) => loaders.get(Task, checkpoint.taskId),
    }),
    worktree: t.field({
      type: WorktreeType,
      description: 'The working copy it is of.',
      extensions: { columns: ['worktreeId'] },
      resolve: (checkpoint, _, { loaders }) => loaders.get(Worktree, checkpoint.worktreeId),
    }),
    commitSha: t.exposeString('commitSha', { description: 'The commit.' }),
    branch: t.exposeString('branch', { description: 'The branch of the working copy.' }),
    message: t.exposeString('message', { description: 'Why it was made.' }),
    filesChanged: t.exposeInt('filesChanged', {
      description: 'Files changed since the one before, else since the base.',
    }),
    linesAdded: t.exposeInt('linesAdded', { description: 'Lines that came.' }),
    linesRemoved: t.exposeInt('linesRemoved', { description: 'Lines that went.' }),
    skippedPaths: t.exposeStringList('skippedPaths', {
      description: 'What git could not take; it is not in the checkpoint.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
  }),
});
registerNode('checkpoint', {
  entity: Checkpoint,
  typeName: 'Checkpoint',
  find: async (op, id) => {
    authorize(op.principal, 'read');
    const checkpoint = await op.em.findOne(Checkpoint, { id: parseId('checkpoint', id, 'id') });
    if (!checkpoint) throw notFound('checkpoint', id);
    await findTask(op.em, op.principal, checkpoint.taskId, 'id').catch((error: unknown) => {
      // Said of the checkpoint that was asked for, not of a task that the caller may not know of.
      throw error instanceof DomainError && error.code === 'NOT_FOUND' ? notFound('checkpoint', id) : error;
    });
    return checkpoint;
  },
});

const OF_CHECKPOINT =
  'The checkpoint it is of, since the daemon of the working copy is gone; null: it is of the working copy as it is now.';
builder.objectField(TaskDiffType, 'checkpoint', (t) =>
  t.field({
    type: CheckpointType,
    nullable: true,
    description: OF_CHECKPOINT,
    resolve: ({ checkpointId }, _, { loaders }) =>
      checkpointId ? loaders.get(Checkpoint, checkpointId) : null,
  }),
);
builder.objectField(WorktreeFileType, 'checkpoint', (t) =>
  t.field({
    type: CheckpointType,
    nullable: true,
    description: OF_CHECKPOINT,
    resolve: ({ checkpointId }, _, { loaders }) =>
      checkpointId ? loaders.get(Checkpoint, checkpointId) : null,
  }),
);

builder.queryField('checkpoints', (t) =>
  t.field({
    type: [CheckpointType],
    description:
      "The checkpoints of a task's working copy, first to last. For the owner and the contract's tasks.",
    args: { taskId: t.arg.id({ required: true, description: 'The task.' }) },
    resolve: (_, { taskId }, context) => listCheckpoints(context.operation(), taskId),
  }),
);
builder.queryField('checkpointPart', (t) =>
  t.string({
    description: "A piece of a checkpoint's data in base64, for a daemon that is to restore it. For daemons.",
    args: {
      checkpointId: t.arg.id({ required: true, description: 'The checkpoint.' }),
      index: t.arg.int({ required: true, description: 'Which piece, from 0.' }),
    },
    resolve: (_, { checkpointId, index }, context) =>
      checkpointPart(context.operation(), checkpointId, index),
  }),
);
builder.objectField(TaskType, 'checkpoints', (t) =>
  t.field({
    type: [CheckpointType],
    description: 'The checkpoints of its working copy, first to last.',
    extensions: { columns: ['worktreeId'], ahead: checkpointsAhead },
    resolve: ({ worktreeId }, _, { loaders }, info) =>
      worktreeId ? loaders.groups(ofCopies(info), worktreeId) : [],
  }),
);

function checkpointsAhead(tasks: readonly Task[], loaders: Loaders, info: Selecting): Promise<void> {
  return loaders.groupsAhead(
    ofCopies(info),
    tasks.flatMap(({ worktreeId }) => worktreeId ?? []),
  );
}

/** Those of copies that continue each other belong to all of them. */
function ofCopies(info: Selecting): Group<Checkpoint> {
  const only = selectedColumns(info, 'Checkpoint', ['id']);
  const load = (em: Statements, ids: readonly string[]) =>
    readGroups(em, Checkpoint, {
      join: sql`join worktree on worktree.origin_id = checkpoint.origin_id`,
      key: 'worktree.id',
      ids: ids as readonly Id<'worktree'>[],
      order: 'checkpoint.number',
      only,
    });
  return { name: only ?? 'checkpoints of a copy', load };
}

const CreateCheckpointInput = builder.inputType('CreateCheckpointInput', {
  description: 'What to save.',
  fields: (t) => ({
    taskId: t.id({ required: true, description: 'The task whose working copy to save.' }),
    message: t.string({ required: true, description: 'Why.' }),
    requestId: t.string({ description: REQUEST_ID }),
  }),
});
const CreateCheckpointPayload = builder
  .objectRef<{ checkpoint: Checkpoint | null; created: boolean; pending: boolean }>('CreateCheckpointPayload')
  .implement({
    description: 'What was saved.',
    fields: (t) => ({
      checkpoint: t.field({
        type: CheckpointType,
        nullable: true,
        description:
          'The checkpoint, or the last one when nothing has changed; null when nothing ever has, or while pending.',
        resolve: ({ checkpoint }) => checkpoint,
      }),
      created: t.exposeBoolean('created', { description: 'Whether there was something new to save.' }),
      pending: t.exposeBoolean('pending', {
        description: 'Whether the daemon is still at it; the result comes in the log.',
      }),
    }),
  });
const RecordCheckpointInput = builder.inputType('RecordCheckpointInput', {
  description: 'A checkpoint that a daemon made and whose data it has uploaded.',
  fields: (t) => ({
    taskId: t.id({ required: true, description: 'The task.' }),
    attempt: t.int({ required: true, description: 'The attempt.' }),
    worktreeId: t.id({ required: true, description: 'The working copy.' }),
    commitSha: t.string({ required: true, description: 'The commit.' }),
    baseSha: t.string({ required: true, description: 'The commit its data builds on.' }),
    branch: t.string({ required: true, description: 'The branch of the working copy.' }),
    message: t.string({ required: true, description: 'Why it was made.' }),
    filesChanged: t.int({
      required: true,
      description: 'Files changed since the one before, else since the base.',
    }),
    linesAdded: t.int({ required: true, description: 'Lines that came.' }),
    linesRemoved: t.int({ required: true, description: 'Lines that went.' }),
    skippedPaths: t.stringList({ defaultValue: [], description: 'What git could not take.' }),
    uploadId: t.string({ required: true, description: 'The upload that holds its data.' }),
    parts: t.int({ required: true, description: 'How many parts the upload has.' }),
    bytes: t.int({ required: true, description: 'How many bytes they are together.' }),
    diff: t.field({
      type: 'JSON',
      description:
        'What it changes against its base, as the result of GET_TASK_DIFF is: shown when no daemon is there to ask.',
    }),
  }),
});
const RecordCheckpointPayload = builder
  .objectRef<{ checkpoint: Checkpoint; created: boolean }>('RecordCheckpointPayload')
  .implement({
    description: 'The checkpoint that was recorded.',
    fields: (t) => ({
      checkpoint: t.field({
        type: CheckpointType,
        description: 'The checkpoint.',
        resolve: ({ checkpoint }) => checkpoint,
      }),
      created: t.exposeBoolean('created', { description: 'false: this upload had been recorded before.' }),
    }),
  });
const UploadCheckpointPartInput = builder.inputType('UploadCheckpointPartInput', {
  description: "A piece of a checkpoint's data.",
  fields: (t) => ({
    taskId: t.id({ required: true, description: 'The task.' }),
    attempt: t.int({ required: true, description: 'The attempt.' }),
    uploadId: t.string({ required: true, description: 'A name for the upload, made by the daemon.' }),
    index: t.int({ required: true, description: 'Which piece, from 0.' }),
    data: t.string({ required: true, description: 'The bytes in base64, at most 4 MiB.' }),
  }),
});
const UploadCheckpointPartPayload = builder
  .objectRef<{ received: number }>('UploadCheckpointPartPayload')
  .implement({
    description: 'The piece that was stored.',
    fields: (t) => ({ received: t.exposeInt('received', { description: 'Its index.' }) }),
  });

builder.mutationFields((t) => ({
  createCheckpoint: t.field({
    type: CreateCheckpointPayload,
    description:
      "Saves a task's whole working copy, leaving its branch, index and files as they are. For the owner, the supervisor, and a task about itself.",
    args: { input: t.arg({ type: CreateCheckpointInput, required: true, description: 'What to save.' }) },
    resolve: (_, { input }, context) => createCheckpoint(context.operation(), input),
  }),
  uploadCheckpointPart: t.field({
    type: UploadCheckpointPartPayload,
    description:
      "Stores a piece of a checkpoint's data; it counts once the checkpoint is recorded. For daemons.",
    args: { input: t.arg({ type: UploadCheckpointPartInput, required: true, description: 'The piece.' }) },
    resolve: async (_, { input }, context) => ({
      received: await uploadCheckpointPart(context.operation(), input),
    }),
  }),
  recordCheckpoint: t.field({
    type: RecordCheckpointPayload,
    description:
      'Records a checkpoint: whole, or not at all. The same upload again gives the same. For daemons.',
    args: { input: t.arg({ type: RecordCheckpointInput, required: true, description: 'The checkpoint.' }) },
    resolve: (_, { input }, context) => recordCheckpoint(context.operation(), input),
  }),
}));

builder.objectRef<EventOf<'CHECKPOINT_CREATED'>>('CheckpointCreatedEvent').implement({
  description: 'A working copy was saved.',
  interfaces: [ContractEvent],
  isTypeOf: (value) => (value as LoggedEvent).type === 'CHECKPOINT_CREATED',
  fields: (t) => ({
    checkpoint: t.field({
      type: CheckpointType,
      description: 'The checkpoint.',
      resolve: (event, _, { loaders }) => loaders.get(Checkpoint, event.data.checkpointId),
    }),
  }),
});
registerEventTypes('CheckpointCreatedEvent', ['CHECKPOINT_CREATED']);
