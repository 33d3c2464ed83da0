import { ApiError } from '../client/errors.ts';
import {
  type MergeTaskPayload,
  type MergeTaskResult,
  mergeTaskPayloadSchema,
  TASK_TRAILER,
} from '../platform/protocol.ts';
import type { CommandCall } from './commands.ts';
import { RevisionNotFoundError, TargetMovedError } from './git/errors.ts';
import { type MergeResult, type MergeTarget, mergeInto } from './git/merge.ts';
import type { Mirror } from './git/mirror.ts';
import { OutcomeUnknownError } from './outcome-unknown.ts';
import { publishCopy } from './publishing.ts';
import type { RunContext } from './run-context.ts';
import type { Worktree } from './worktrees.ts';

/**
 * Merges a task's branch. Done again after a crash it is the same: the merge is computed from the refs and
 * lands by compare and swap, so one that had landed is found as being up to date.
 */
export async function mergeTask(context: RunContext, call: CommandCall): Promise<MergeTaskResult> {
  const payload = mergeTaskPayloadSchema.parse(call.payload);
  const { worktrees, signal } = context;
  try {
    const target = payload.targetWorktreeId === null ? null : await worktrees.get(payload.targetWorktreeId);
    const { mirror, label, takeCommit } = await findSource(context, payload);
    if (target && target.mirror.dir !== mirror.dir) {
      throw new RevisionNotFoundError(
        `commit of ${label} in the target's repository: they are two repositories, so it`,
      );
    }
    const commit = await takeCommit();
    const to: MergeTarget = target
      ? { kind: 'workingCopy', copy: target.copy }
      : { kind: 'branch', branch: payload.targetBranch };
    const merged = await mergeInto({
      mirror,
      source: { commit, label },
      target: to,
      squash: payload.squash,
      dryRun: payload.dryRun,
      message: `${payload.message}\n\n${TASK_TRAILER}: ${payload.taskId}`,
      signal,
    });
    const result = call.isResumed ? asLanded(merged) : merged;
    const isToPublish =
      target &&
      payload.publish &&
      !payload.dryRun &&
      result.outcome === 'MERGED' &&
      result.commitSha !== null;
    return isToPublish ? await published(context, target, result) : result;
  } catch (error) {
    signal.throwIfAborted();
    if (!call.isResumed || error instanceof TargetMovedError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new OutcomeUnknownError(
      `The daemon ended in the middle of this merge and cannot tell whether it landed (${reason}). Look at the target, then merge again.`,
      { cause: error },
    );
  }
}

interface Source {
  readonly mirror: Mirror;
  /** What messages call it. */
  readonly label: string;
  readonly takeCommit: () => Promise<string>;
}

/** What is merged: a working copy of this daemon, or the last checkpoint of one that is elsewhere. */
async function findSource(context: RunContext, payload: MergeTaskPayload): Promise<Source> {
  const { repositories, worktrees, signal } = context;
  const { sourceCheckpoint: away, repository, sourceWorktreeId, taskId } = payload;
  if (away === null) {
    const here = await worktrees.get(sourceWorktreeId);
    const takeCommit = () => savedCommit(context, payload, here);
    return { mirror: here.mirror, label: here.copy.branch, takeCommit };
  }
  const mirror = await repositories.openAt(repository, away, signal);
  const label = `checkpoint ${away.number} of task ${taskId}`;
  return { mirror, label, takeCommit: async () => away.commitSha };
}

/** All of the copy as a commit, at the server when it takes it: the merge does not depend on that. */
async function savedCommit(
  context: RunContext,
  payload: MergeTaskPayload,
  source: Worktree,
): Promise<string> {
  const { taskId, attempt } = payload;
  const request = {
    worktreeId: source.record.worktreeId,
    taskId,
    attempt,
    message: `Before merging ${source.copy.branch}`,
  };
  try {
    return (await context.checkpoints.make(request)).snapshot.commitSha;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    context.logger.warn({ err: error, taskId }, 'the checkpoint before a merge was not taken');
    return context.checkpoints.snapshotOnly(request);
  }
}

function asLanded(merged: MergeResult): MergeResult {
  return merged.outcome === 'UP_TO_DATE' ? { ...merged, outcome: 'MERGED' } : merged;
}

/** The merge itself has landed: that it could not be published is said, and does not undo it. */
async function published(context: RunContext, target: Worktree, merged: MergeResult): Promise<MergeResult> {
  try {
    await publishCopy(context, target, merged.commitSha as string);
    return merged;
  } catch (error) {
    context.signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    return {
      ...merged,
      message: `${merged.message}. ${target.copy.branch} could not be published: ${reason}`,
    };
  }
}
