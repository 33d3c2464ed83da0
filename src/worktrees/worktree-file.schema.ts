import { builder } from '../graphql/builder.ts';
import { TaskType } from '../tasks/task.schema.ts';
import { type WorktreeFile, worktreeFile } from './worktree-file.ts';

const FileEncodingType = builder.enumType('FileEncoding', {
  description: 'How the content of a file is written.',
  values: {
    UTF8: { description: 'As it is: it is text.' },
    BASE64: { description: 'In base64: its bytes are no text.' },
  },
});

export const WorktreeFileType = builder.objectRef<WorktreeFile>('WorktreeFile').implement({
  description: 'A file of a working copy.',
  fields: (t) => ({
    task: t.field({ type: TaskType, description: 'The task.', resolve: ({ task }) => task }),
    path: t.exposeString('path', { description: 'The path that was asked for.' }),
    exists: t.exposeBoolean('exists', { description: 'Whether there is such a file.' }),
    content: t.exposeString('content', {
      nullable: true,
      description: 'What is in it, at most the first MiB; null when there is no such file.',
    }),
    encoding: t.field({
      type: FileEncodingType,
      description: 'How the content is written.',
      resolve: ({ encoding }) => encoding,
    }),
    size: t.exposeFloat('size', { description: 'Bytes of the whole file; 0 when there is none.' }),
    truncated: t.exposeBoolean('truncated', {
      description: 'Whether there is more than the content shows.',
    }),
  }),
});

builder.queryField('worktreeFile', (t) =>
  t.field({
    type: WorktreeFileType,
    description:
      "A file of a task's working copy, asked of its daemon; with that gone, as of the last checkpoint, of any daemon that can read it. FORBIDDEN_PATH for a path that leaves the working copy, lies in .git, or is no regular file. For the owner, the supervisor and the red team.",
    args: {
      taskId: t.arg.id({ required: true, description: 'The task.' }),
      path: t.arg.string({
        required: true,
        description: 'The path of the file, relative to the root of the working copy.',
      }),
    },
    resolve: (_, { taskId, path }, context) => worktreeFile(context.operation(), taskId, path),
  }),
);
