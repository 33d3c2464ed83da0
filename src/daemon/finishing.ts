import { ApiError } from '../client/errors.ts';
import type { ReportedStatus } from '../client/generated/graphql.ts';
import { exitText } from './agents/exit-text.ts';
import type { CheckpointResult } from './checkpoints.ts';
import { deliver } from './delivering.ts';
import { publishCopy } from './publishing.ts';
import { reportAfterOutput } from './reporting.ts';
import type { RunContext } from './run-context.ts';
import type { TaskRun } from './task-run.ts';

/*
 * The end of a run, in an order in which nothing is lost: output, checkpoint, publishing, report. The report
 * comes last, since after it the server lets others build on all of that. Every step may be done again after
 * a crash.
 */

const NO_BRANCH = 'the task has no working copy of its own, hence no branch of its own.';

interface End {
  readonly status: ReportedStatus;
  readonly errorMessage: string | null;
}

/** @throws when the daemon stops first: the run is then finished after its next start */
export async function finish(run: TaskRun, context: RunContext): Promise<void> {
  const { logger, signal } = context;
  const { taskId, attempt } = run.record;
  await run.sender.flush();
  // One that rests has been saved; the server has it as PAUSED or WAITING, and wakes it by a new attempt.
  const isLeftToRest = run.record.isParked && run.record.ending === null;
  if (!run.isStale && !isLeftToRest) {
    const end = endOf(run);
    await save(run, context, end);
    await run.sender.flush();
    if (end.status === 'INTERRUPTED' && context.handBack.isWanted) await handBack(run, context);
    else await reportAfterOutput(run, context, end);
    logger.info({ taskId, attempt, status: end.status }, 'task ended');
  }
  signal.throwIfAborted();
  await run.cleanUp();
}

function endOf(run: TaskRun): End {
  const { exit, ending } = run.record;
  if (run.failure !== null) return { status: 'FAILED', errorMessage: run.failure };
  if (ending === 'INTERRUPTED') return { status: 'INTERRUPTED', errorMessage: 'The daemon was stopped.' };
  if (ending !== null) return { status: ending, errorMessage: null };
  if (exit === null)
    return { status: 'INTERRUPTED', errorMessage: 'The daemon ended while the agent was running.' };
  if (exit.failure) return { status: 'FAILED', errorMessage: exit.failure };
  if (exit.code === 0) return { status: 'DONE', errorMessage: null };
  return { status: 'FAILED', errorMessage: `The agent ${exitText(exit)}.` };
}

/**
 * Checkpoint and publishing. What fails there is said in the output, and does not change how the task ended.
 */
async function save(run: TaskRun, context: RunContext, end: End): Promise<void> {
  const { taskId, attempt, worktreeId, savesCopy, name } = run.record;
  if (worktreeId === null) return;
  if (!savesCopy) {
    if (end.status === 'DONE' && run.record.targetRepoPath !== null)
      await complain(run, `Nothing was put into ${run.record.targetRepoPath}: ${NO_BRANCH}`);
    return;
  }
  // Made by this attempt or not at all: a preparation that failed has nothing to save.
  if ((await context.worktrees.find(worktreeId).catch(() => null)) === null) return;
  const message = `Task ${name}: ${end.status.toLowerCase()}`;
  try {
    const isDone = end.status === 'DONE';
    const made = await context.checkpoints.make({ worktreeId, taskId, attempt, message, moveBranch: isDone });
    if (isDone) {
      await publish(run, context, made);
      await deliverToo(run, context, made);
    }
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof ApiError && error.code === 'STALE_ATTEMPT') return;
    context.logger.warn({ err: error, taskId, attempt }, 'no checkpoint at the end of the task');
    await complain(
      run,
      `No checkpoint could be made of the working copy, which stays on the daemon: ${messageOf(error)}`,
    );
  }
}

async function publish(run: TaskRun, context: RunContext, made: CheckpointResult): Promise<void> {
  const { role, repository, localOnly, worktreeId, taskId } = run.record;
  if (role !== 'SUPERVISOR' || worktreeId === null || repository === null) return;
  if (repository.localPath === null && localOnly) return;
  const worktree = await context.worktrees.get(worktreeId);
  try {
    await publishCopy(context, worktree, made.snapshot.headSha);
  } catch (error) {
    context.signal.throwIfAborted();
    context.logger.warn({ err: error, taskId }, 'the branch was not published');
    const where = repository.localPath ?? repository.url;
    await complain(
      run,
      `The branch ${worktree.copy.branch} could not be published to ${where}: ${messageOf(error)}`,
    );
  }
}

/** Also into the repository that the task named, whatever became of publishing. */
async function deliverToo(run: TaskRun, context: RunContext, made: CheckpointResult): Promise<void> {
  const { targetRepoPath, worktreeId, taskId } = run.record;
  if (targetRepoPath === null || worktreeId === null) return;
  const worktree = await context.worktrees.get(worktreeId);
  try {
    await deliver(context, worktree, made.snapshot.headSha, targetRepoPath);
  } catch (error) {
    context.signal.throwIfAborted();
    context.logger.warn({ err: error, taskId }, 'the branch was not put into its target repository');
    await complain(
      run,
      `The branch ${worktree.copy.branch} could not be put into ${targetRepoPath}: ${messageOf(error)}`,
    );
  }
}

/** Says in a task's output what a person should know. */
export async function complain(run: TaskRun, content: string): Promise<void> {
  await run.spool.append([
    { type: 'ERROR', content: content.slice(0, 10_000), isError: true, createdAt: new Date().toISOString() },
  ]);
}

async function handBack(run: TaskRun, context: RunContext): Promise<void> {
  run.setReady();
  if (!(await context.handBack.taken))
    throw new Error('The server could not be told; the task is given back after the next start.');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
