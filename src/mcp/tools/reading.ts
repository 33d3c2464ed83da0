import { z } from 'zod';
import {
  TaskDiffDocument,
  type TaskDiffQuery,
  WorktreeFileDocument,
  type WorktreeFileQuery,
} from '../../client/generated/graphql.ts';
import { EXCERPT_CHARS, excerpt } from '../excerpt.ts';
import { type Role, tool } from '../tool.ts';
import { TASK_ID } from './tasks.ts';

/** Who may look into working copies. */
const INSPECTION: readonly Role[] = ['SUPERVISOR', 'RED_TEAM', 'USER'];
const OFFSET = z
  .int()
  .min(0)
  .default(0)
  .describe('Where to go on in a long text: the nextOffset of the call before.');

/** What the server gives of a patch unless it is asked for more, and the most it gives. Bytes. */
const PATCH_BYTES = 1024 * 1024;
const MAX_PATCH_BYTES = 8 * PATCH_BYTES;

export const taskDiff = tool({
  name: 'task_diff',
  title: 'Show what a task changed',
  description:
    'Shows what a task has changed against the commit it started from, committed or not, as a unified diff with the number of lines of each file. A long diff comes in pieces: go on with offset.',
  roles: INSPECTION,
  effect: 'reads',
  input: z.object({
    taskId: TASK_ID,
    filesOnly: z.boolean().default(false).describe('true: the files and numbers of lines, without the diff.'),
    offset: OFFSET,
  }),
  async run({ taskId, filesOnly, offset }, call) {
    // A character is up to four bytes.
    const wanted = (offset + EXCERPT_CHARS) * 4;
    const maxBytes = Math.min(MAX_PATCH_BYTES, Math.max(PATCH_BYTES, wanted));
    const { taskDiff } = await call.ask(TaskDiffDocument, { taskId, maxBytes });
    const { text, nextOffset } = excerpt(taskDiff.patch, offset);
    const isCut = taskDiff.truncated && nextOffset === null;
    return {
      data: {
        taskId,
        files: offset === 0 || filesOnly ? taskDiff.files.map(fileLine) : null,
        linesAdded: taskDiff.linesAdded,
        linesRemoved: taskDiff.linesRemoved,
        patch: filesOnly ? null : text,
        nextOffset: filesOnly ? null : nextOffset,
        hint: isCut ? 'The diff is longer than is kept: read the files themselves with read_file.' : null,
      },
    };
  },
});

function fileLine(file: TaskDiffQuery['taskDiff']['files'][number]): string {
  const path = file.oldPath && file.oldPath !== file.path ? `${file.oldPath} -> ${file.path}` : file.path;
  const lines = file.binary ? 'binary' : `+${file.linesAdded} -${file.linesRemoved}`;
  return `${path} (${file.status.toLowerCase().replaceAll('_', ' ')}, ${lines})`;
}

export const readFile = tool({
  name: 'read_file',
  title: 'Read a file of a task',
  description:
    'Reads a file of the working copy of a task as it is now, saved or not. A long file comes in pieces: go on with offset. Only its first MiB can be read.',
  roles: INSPECTION,
  effect: 'reads',
  input: z.object({
    taskId: TASK_ID,
    path: z.string().describe('The path from the root of the working copy, such as src/main.ts.'),
    offset: OFFSET,
  }),
  async run({ taskId, path, offset }, call) {
    const { worktreeFile } = await call.ask(WorktreeFileDocument, { taskId, path });
    return { data: { path, ...contentOf(worktreeFile, offset) } };
  },
});

function contentOf(file: WorktreeFileQuery['worktreeFile'], offset: number) {
  const { exists, size, truncated, encoding } = file;
  if (!exists || file.content === null || file.content === undefined)
    return {
      exists: false,
      hint: 'There is no such file in this working copy. task_diff names those it changed.',
    };
  if (encoding === 'BASE64') return { exists, size, hint: 'It is no text: its content is not shown.' };
  const { text, nextOffset } = excerpt(file.content, offset);
  const hint = truncated && nextOffset === null ? 'The rest of the file lies behind its first MiB.' : null;
  return { exists, size, content: text, nextOffset, hint };
}
