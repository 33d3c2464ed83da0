import { ApiError } from '../client/errors.ts';
import type { ReportedStatus, ReportTaskInput } from '../client/generated/graphql.ts';
import type { RunContext } from './run-context.ts';
import type { TaskRun } from './task-run.ts';
import type { Worktree } from './worktrees.ts';

/** Tells the server that the agent works, where, and in which session. */
export async function reportRunning(
  run: TaskRun,
  context: RunContext,
  more: { worktree?: Worktree | null; sessionId?: string },
): Promise<void> {
  const { taskId, attempt } = run.record;
  const { worktree, sessionId } = more;
  const place = worktree && {
    id: worktree.record.worktreeId,
    path: worktree.copy.path,
    branch: worktree.copy.branch,
    baseBranch: worktree.record.baseBranch,
    baseSha: worktree.copy.baseSha,
  };
  try {
    await context.api.reportTask({
      taskId,
      attempt,
      status: 'RUNNING',
      outputCount: 0,
      worktree: place ?? null,
      sessionId: sessionId ?? null,
    });
  } catch (error) {
    if (context.signal.aborted) return;
    if ((error as { code?: unknown }).code === 'STALE_ATTEMPT') run.abandon();
    else context.logger.warn({ err: error, taskId, attempt }, 'the start of the task was not taken');
  }
}

/**
 * Reports what comes after the last of the output: an end, or that the agent waits.
 * @returns null, or why the server did not take it: somebody else decides about the task now
 */
export async function reportAfterOutput(
  run: TaskRun,
  context: RunContext,
  report: { status: ReportedStatus; errorMessage?: string | null; sessionId?: string | null },
): Promise<ApiError | null> {
  const { taskId, attempt, summary } = run.record;
  for (;;) {
    const input: ReportTaskInput = {
      ...report,
      taskId,
      attempt,
      outputCount: run.spool.count,
      outputSummary: summary,
    };
    try {
      await context.api.reportTask(input);
      return null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const next = error.extensions.nextIndex;
      if (
        error.code === 'OUTPUT_GAP' &&
        typeof next === 'number' &&
        next < run.spool.count &&
        !run.sender.hasEnded
      ) {
        await run.sender.resendFrom(next);
        await run.sender.flush();
        continue;
      }
      context.logger.warn({ taskId, attempt, status: report.status, err: error }, 'a report was not taken');
      return error;
    }
  }
}
