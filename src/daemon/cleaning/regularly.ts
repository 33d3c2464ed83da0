import { setTimeout as delay } from 'node:timers/promises';
import type { RunContext } from '../run-context.ts';
import { type CleanUpEntry, cleanUp } from './clean-up.ts';
import { contractEnds } from './contract-ends.ts';

const EVERY_MS = 60 * 60_000;
export const DAY_MS = 24 * 60 * 60_000;

/** Cleans up at once and every hour, until the daemon ends. What fails is tried again with the next. */
export async function cleanUpRegularly(context: RunContext, keepDays: number): Promise<void> {
  const { paths, worktrees, records, api, signal, logger } = context;
  while (!signal.aborted) {
    try {
      const entries = await cleanUp({
        paths,
        worktrees,
        records,
        endOf: (ids) => contractEnds((some) => api.daemonContracts(some), ids),
        keepMs: keepDays * DAY_MS,
        mirrorKeepMs: Math.max(keepDays * DAY_MS, EVERY_MS),
        dryRun: false,
        unknownToo: false,
        now: () => new Date(),
        signal,
      });
      for (const entry of entries) tell(context, entry);
    } catch (error) {
      if (!signal.aborted) logger.warn({ err: error }, 'the disk could not be cleaned up');
    }
    await delay(EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
}

function tell({ logger }: RunContext, { kind, path, removed, reason }: CleanUpEntry): void {
  if (removed) logger.info({ kind, path, reason }, 'removed from the disk');
  else logger.debug({ kind, path, reason }, 'kept on the disk');
}
