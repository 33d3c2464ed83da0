import { setTimeout as delay } from 'node:timers/promises';
import { RevisionNotFoundError, TargetMovedError } from './errors.ts';
import type { MergeOptions, MergeResult } from './merge.ts';
import { mergedResult, prepareMerge } from './merge-commit.ts';
import { fetchBranch } from './mirror.ts';
import { publishLocked } from './publish.ts';
import type { Credentials } from './run.ts';

const TRYING_MS = 120_000;

/** Merges on top of the branch as the origin has it now, publishes, and does it again while the branch moves. */
export async function mergeIntoBranch(
  options: MergeOptions,
  branch: string,
  credentials: Credentials | undefined,
): Promise<MergeResult> {
  const { mirror, signal } = options;
  const until = performance.now() + (options.timeoutMs ?? TRYING_MS);
  for (;;) {
    signal?.throwIfAborted();
    const old = await fetchBranch(mirror, branch, { credentials, signal });
    if (old === null) throw new RevisionNotFoundError(`branch ${branch}`);
    const prepared = await prepareMerge(options, old);
    if ('done' in prepared) return prepared.done;
    if (options.dryRun) return mergedResult(options, prepared.commit);
    try {
      await publishLocked({ mirror, branch, commit: prepared.commit, expectedOld: old, credentials, signal });
      return mergedResult(options, prepared.commit);
    } catch (error) {
      // By time and not by count: with a dozen pushers, eleven rounds were seen to be normal.
      if (!(error instanceof TargetMovedError) || performance.now() >= until) throw error;
      await delay(20 + Math.random() * 180);
    }
  }
}
