import type { TaskDiffResult } from '../platform/protocol.ts';
import { diffCommits } from './git/diff.ts';
import { GitError, GitTimeoutError } from './git/errors.ts';
import type { Mirror } from './git/mirror.ts';

/** A byte is a character at most, so these are no more than a million characters. */
const MAX_PATCH_BYTES = 1_000_000;
const MAX_FILES = 10_000;
const MAX_NAMES_LENGTH = 2_000_000;

/**
 * What a checkpoint changes against the base of its copy, small enough to be kept beside it. The lines are of all of
 * it, also when patch or files are cut.
 * @returns null when git cannot tell: a checkpoint without a diff is better than none
 */
export async function checkpointDiff(
  mirror: Mirror,
  baseSha: string,
  headSha: string,
  signal: AbortSignal,
): Promise<TaskDiffResult | null> {
  try {
    const diff = await diffCommits({ mirror, from: baseSha, to: headSha, maxBytes: MAX_PATCH_BYTES, signal });
    const files = cut(diff.files);
    const truncated = diff.truncated || files.length < diff.files.length;
    return { ...diff, files, truncated, baseSha, headSha };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof GitError || error instanceof GitTimeoutError) return null;
    throw error;
  }
}

function cut(files: TaskDiffResult['files']): TaskDiffResult['files'] {
  let length = 0;
  const end = files.findIndex(({ path, oldPath }, at) => {
    length += path.length + (oldPath?.length ?? 0);
    return at === MAX_FILES || length > MAX_NAMES_LENGTH;
  });
  return end < 0 ? files : files.slice(0, end);
}
