import { z } from 'zod';
import {
  CreateBranchDocument,
  CreateCheckpointDocument,
  CreatePullRequestDocument,
  MergeTaskDocument,
  type MergeTaskMutation,
} from '../../client/generated/graphql.ts';
import { shortened } from '../excerpt.ts';
import { ArgumentsError } from '../failures.ts';
import { type Role, SUPERVISION, tool } from '../tool.ts';
import { TASK_ID } from './tasks.ts';

const CONFLICT_CHARS = 3_000;
const STILL_AT_IT = 'The machine is still at it. Call the tool again with the same arguments to wait on.';

const SAVING: readonly Role[] = ['SUPERVISOR', 'WORK', 'USER'];

export const createCheckpoint = tool({
  name: 'create_checkpoint',
  title: 'Save a working copy',
  description:
    'Saves the whole working copy, also what is not committed, so that another machine could restore it. Branch, index and files stay as they are. For instance before something risky.',
  roles: SAVING,
  effect: 'changes',
  input: z.object({
    message: z.string().describe('What stands there now.'),
    taskId: z.string().optional().describe('Whose working copy; left out: your own.'),
  }),
  async run({ message, taskId: given }, call) {
    const taskId = given ?? call.identity.taskId;
    if (!taskId)
      throw new ArgumentsError('create_checkpoint: name the task whose working copy to save (taskId).');
    const input = { taskId, message, requestId: call.requestId };
    const { createCheckpoint } = await call.ask(CreateCheckpointDocument, { input });
    const { created, pending, checkpoint } = createCheckpoint;
    if (pending) return { data: { taskId, done: false, hint: STILL_AT_IT }, unresolved: true };
    const hint = created ? null : 'Nothing has changed since the last checkpoint.';
    return { data: { taskId, done: true, created, checkpoint, hint } };
  },
});

export const mergeTask = tool({
  name: 'merge_task',
  title: 'Merge the branch of a task',
  description:
    'Merges the branch of a task that is DONE into your branch, or another. outcome MERGED or UP_TO_DATE: it is there. CONFLICT: nothing was changed; conflicts has the files, the parts and the tasks that changed them. Resolve it, by a task or in your working copy, and merge again. PENDING: call again with the same arguments.',
  roles: SUPERVISION,
  effect: 'changes',
  input: z.object({
    taskId: TASK_ID,
    targetBranch: z.string().optional().describe('Where to; left out: its own target, else your branch.'),
    squash: z.boolean().default(false).describe('true: as one commit.'),
    dryRun: z.boolean().default(false).describe('true: only say what would happen.'),
    message: z.string().optional().describe('The message of the commit.'),
  }),
  async run({ taskId, targetBranch, squash, dryRun, message }, call) {
    const input = { taskId, targetBranch, squash, dryRun, message, requestId: call.requestId };
    const { mergeTask } = await call.ask(MergeTaskDocument, { input });
    const { conflicts, task, ...about } = mergeTask;
    return {
      data: {
        taskId,
        ...about,
        status: task.status,
        conflicts: conflicts.length > 0 ? conflicts.map(conflictOf) : null,
        hint: about.outcome === 'PENDING' ? STILL_AT_IT : null,
      },
      unresolved: about.outcome === 'PENDING',
    };
  },
});

function conflictOf({ path, kind, hunks, tasks }: MergeTaskMutation['mergeTask']['conflicts'][number]) {
  return {
    path,
    kind,
    changedBy: tasks.map(({ id, name }) => `${name} (${id})`),
    parts: shortened(hunks.join('\n'), CONFLICT_CHARS, 'read_file shows the file on either side') || null,
  };
}

export const createBranch = tool({
  name: 'create_branch',
  title: 'Make a branch',
  description:
    'Makes a branch in your working copy and in the repository. Fine when it is there already at that commit.',
  roles: SUPERVISION,
  effect: 'changes',
  isOfContract: true,
  input: z.object({
    branchName: z.string().describe('Its name.'),
    fromRef: z
      .string()
      .optional()
      .describe(
        'A branch of the repository or a full commit id; left out: what is committed on your branch.',
      ),
  }),
  async run({ branchName, fromRef }, call) {
    const { contractId, requestId } = call;
    const { createBranch } = await call.ask(CreateBranchDocument, {
      input: { contractId, branchName, fromRef, requestId },
    });
    const { pending, ...about } = createBranch;
    return { data: { ...about, done: !pending, hint: pending ? STILL_AT_IT : null }, unresolved: pending };
  },
});

export const createPullRequest = tool({
  name: 'create_pull_request',
  title: 'Open a pull request',
  description:
    'Pushes a branch, as it is committed, and opens a pull request for it on GitHub. When one is open from that branch already, that is the one (created: false).',
  roles: SUPERVISION,
  effect: 'changes',
  isOfContract: true,
  input: z.object({
    branch: z.string().describe('The branch: yours, that of a task, or one of the repository.'),
    title: z.string().describe('Its title, at most 256 characters.'),
    body: z.string().optional().describe('Its text, in Markdown.'),
    baseBranch: z.string().optional().describe('What to merge it into; left out: the base of the contract.'),
  }),
  async run({ branch, title, body, baseBranch }, call) {
    const { contractId, requestId } = call;
    const { createPullRequest } = await call.ask(CreatePullRequestDocument, {
      input: { contractId, branch, title, body, baseBranch, requestId },
    });
    const { pending, ...about } = createPullRequest;
    return { data: { ...about, done: !pending, hint: pending ? STILL_AT_IT : null }, unresolved: pending };
  },
});
