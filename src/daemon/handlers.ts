import { ApiError } from '../client/errors.ts';
import type { CommandType, ReportedStatus } from '../client/generated/graphql.ts';
import {
  attemptPayloadSchema,
  cancelTaskPayloadSchema,
  createCheckpointPayloadSchema,
  spawnTaskPayloadSchema,
  type TaskDiffResult,
  taskDiffPayloadSchema,
} from '../platform/protocol.ts';
import { createBranch } from './branching.ts';
import type { CommandCall, CommandHandler } from './commands.ts';
import { diffCommits } from './git/diff.ts';
import { mergeTask } from './merging.ts';
import { createPullRequest } from './pull-requests.ts';
import { readFile } from './reading.ts';
import { rewindWorktree } from './rewinding.ts';
import type { RunContext } from './run-context.ts';
import { NotRunningError } from './run-errors.ts';
import type { Runs } from './runs.ts';
import type { TaskRun } from './task-run.ts';

/** What this daemon does on each type of command; any other is answered with UNSUPPORTED. */
export function commandHandlers(
  context: RunContext,
  runs: Runs,
): Partial<Record<CommandType, CommandHandler>> {
  return {
    SPAWN_TASK: (call) => spawnTask(context, runs, call),
    CANCEL_TASK: (call) => cancelTask(context, runs, call),
    PAUSE_TASK: async (call) => (await runOf(runs, call)).pause(),
    RESUME_TASK: async (call) => (await runOf(runs, call)).resume(),
    SEND_MESSAGE: async (call) => (await runOf(runs, call)).notify(),
    CREATE_CHECKPOINT: (call) => createCheckpoint(context, call),
    GET_TASK_DIFF: (call) => taskDiff(context, call),
    MERGE_TASK: (call) => mergeTask(context, call),
    READ_FILE: (call) => readFile(context, call),
    CREATE_BRANCH: (call) => createBranch(context, call),
    CREATE_PULL_REQUEST: (call) => createPullRequest(context, call),
    REWIND_WORKTREE: (call) => rewindWorktree(context, call),
  };
}

/** The daemon died after it had taken the command on; the task was given back. */
class TaskInterruptedError extends Error {
  override readonly name = 'TaskInterruptedError';
  readonly code = 'INTERRUPTED';
}

async function spawnTask(
  context: RunContext,
  runs: Runs,
  { payload, toolKey, isResumed }: CommandCall,
): Promise<void> {
  const task = spawnTaskPayloadSchema.parse(payload);
  if (!isResumed) return runs.start(task, toolKey);
  const { taskId, attempt } = task;
  if (await runs.waitForLeftover(taskId, attempt)) return;
  // It died before there was anything of the run on disk.
  await reportEnd(context, {
    taskId,
    attempt,
    status: 'INTERRUPTED',
    errorMessage: 'The daemon ended before the agent was started.',
  });
  throw new TaskInterruptedError('The daemon ended before the agent was started.');
}

async function cancelTask(
  context: RunContext,
  runs: Runs,
  { payload }: CommandCall,
): Promise<{ confirmed: boolean }> {
  const cancel = cancelTaskPayloadSchema.parse(payload);
  const { taskId, attempt, outcome } = cancel;
  await runs.waitForLeftover(taskId, attempt);
  const run = runs.get(taskId, attempt);
  // One that was already ending by itself has reported that; the server, waiting for this, did not take it.
  if (run) await run.cancel(cancel);
  await reportEnd(context, { taskId, attempt, status: outcome, errorMessage: null });
  return { confirmed: true };
}

async function runOf(runs: Runs, { payload }: CommandCall): Promise<TaskRun> {
  const { taskId, attempt } = attemptPayloadSchema.parse(payload);
  await runs.waitForLeftover(taskId, attempt);
  const run = runs.get(taskId, attempt);
  if (!run) throw new NotRunningError(taskId);
  return run;
}

async function createCheckpoint(context: RunContext, { payload }: CommandCall) {
  const { checkpointId, created } = await context.checkpoints.make(
    createCheckpointPayloadSchema.parse(payload),
  );
  return { checkpointId, created };
}

/** Against a snapshot, so that what is not committed is in it; the snapshot stays on this machine. */
async function taskDiff(context: RunContext, { payload }: CommandCall): Promise<TaskDiffResult> {
  const { worktreeId, maxBytes } = taskDiffPayloadSchema.parse(payload);
  const { mirror, copy } = await context.worktrees.get(worktreeId);
  const headSha = await context.checkpoints.snapshotOnly({ worktreeId, message: 'For a diff' });
  const diff = await diffCommits({
    mirror,
    from: copy.baseSha,
    to: headSha,
    maxBytes,
    signal: context.signal,
  });
  return { ...diff, baseSha: copy.baseSha, headSha };
}

/** A report that changes nothing when the server has the task's end already. */
async function reportEnd(
  context: RunContext,
  report: { taskId: string; attempt: number; status: ReportedStatus; errorMessage: string | null },
): Promise<void> {
  try {
    await context.api.reportTask({ ...report, outputCount: 0 });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    context.logger.debug({ err: error, taskId: report.taskId }, 'the end of the task was known');
  }
}
