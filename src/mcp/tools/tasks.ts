import { z } from 'zod';
import {
  McpCheckpointsDocument,
  McpSpawnTaskDocument,
  McpTaskDocument,
} from '../../client/generated/graphql.ts';
import { ROLES, SUPERVISION, tool } from '../tool.ts';

/** As tools name a task everywhere. */
export const TASK_ID = z.string().describe('The id of the task, task_…; contract_tree shows them.');

export const spawnTask = tool({
  name: 'spawn_task',
  title: 'Start a task',
  description:
    'Starts a task: another agent, which works by the plan and knows nothing but it. Returns at once with the id of the task; a machine takes it as soon as one has room. Start all tasks that can be done side by side, then wait_for_tasks.',
  roles: SUPERVISION,
  effect: 'changes',
  isOfContract: true,
  input: z.object({
    name: z.string().describe('A few words to know it by.'),
    plan: z
      .string()
      .describe(
        'All that its agent is told: what to do, where, what not to touch, what to test, how you will judge it.',
      ),
    useOwnWorktree: z
      .boolean()
      .describe(
        'true: a working copy and a branch of its own, which you merge with merge_task; right for whatever changes files. false: it works in your working copy, at the same time as you and others there.',
      ),
    description: z.string().optional().describe('What it is about, for people.'),
    agent: z.string().optional().describe('The agent profile that runs it; left out: that of the contract.'),
    baseBranch: z
      .string()
      .optional()
      .describe('The branch it starts from; left out: yours, with what was merged so far.'),
    targetBranch: z.string().optional().describe('Where it is merged to later; left out: your branch.'),
    repositoryUrl: z
      .string()
      .optional()
      .describe('Which repository of the contract, by URL or path; left out: the primary one.'),
    parentTaskId: z.string().optional().describe('The task it belongs under; left out: you.'),
    priority: z.int().min(-1000).max(1000).optional().describe('Higher starts first; 0 when left out.'),
    copyFiles: z
      .array(z.string())
      .optional()
      .describe('Paths that git ignores and it needs, such as .env: copied into its own working copy.'),
    completionAction: z
      .enum(['NONE', 'MERGE', 'PULL_REQUEST'])
      .optional()
      .describe('What is done by itself once it is DONE; left out: NONE, so that you look at it first.'),
    branchedFromTaskId: z.string().optional().describe('Start from the latest checkpoint of this task.'),
    continueFromTaskId: z
      .string()
      .optional()
      .describe('Start from the latest checkpoint of this task and go on in the session of its agent.'),
    checkpointSha: z.string().optional().describe('Start from this commit.'),
    targetRepoPath: z
      .string()
      .optional()
      .describe('A repository on the machine that gets the finished branch too.'),
    autonomousLoop: z
      .int()
      .min(0)
      .max(100)
      .optional()
      .describe('How often its agent is told to go on when it ends its turn without saying that it is done.'),
    timeLimitMinutes: z.int().min(1).max(35_000).optional().describe('Past it the task has FAILED.'),
  }),
  async run(input, call) {
    const { contractId, requestId } = call;
    const { spawnTask } = await call.ask(McpSpawnTaskDocument, {
      input: { ...input, contractId, requestId },
    });
    const { id, ...about } = spawnTask.task;
    return {
      data: {
        taskId: id,
        ...about,
        hint: 'Start what else can be done meanwhile, then call wait_for_tasks.',
      },
    };
  },
});

export const showTask = tool({
  name: 'show_task',
  title: 'Show a task',
  description:
    'Shows all about one task: its plan, status, what it said in the end, why it failed, its branch, its cost.',
  roles: ROLES,
  effect: 'reads',
  input: z.object({ taskId: TASK_ID }),
  async run({ taskId }, call) {
    const { task } = await call.ask(McpTaskDocument, { id: taskId });
    const { id, parent, worktree, daemon, errorMessage, outputSummary, durationSeconds, ...about } = task;
    return {
      data: {
        taskId: id,
        ...about,
        parent: parent && `${parent.name} (${parent.id})`,
        branch: worktree?.branch,
        baseBranch: worktree?.baseBranch,
        machine: daemon?.name,
        seconds: durationSeconds === null ? null : Math.round(durationSeconds ?? 0),
        error: errorMessage,
        summary: outputSummary,
      },
    };
  },
});

export const listCheckpoints = tool({
  name: 'list_checkpoints',
  title: 'List the checkpoints of a task',
  description:
    'Lists what was saved of the working copy of a task, first to last: number, commit, message, size. A commit can be given to spawn_task as checkpointSha.',
  roles: SUPERVISION,
  effect: 'reads',
  input: z.object({ taskId: TASK_ID }),
  async run({ taskId }, call) {
    const { checkpoints } = await call.ask(McpCheckpointsDocument, { taskId });
    return {
      data: {
        checkpoints: checkpoints.map(({ id, task, ...about }) => ({
          checkpointId: id,
          ...about,
          madeFor: task.name,
        })),
      },
    };
  },
});
