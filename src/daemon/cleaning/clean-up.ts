import type { DataPaths } from '../files.ts';
import type { RunRecords } from '../run-record.ts';
import type { Worktrees } from '../worktrees.ts';
import { cleanCopies } from './clean-copies.ts';
import { cleanLeftovers } from './clean-leftovers.ts';
import { cleanMirrors } from './clean-mirrors.ts';

/*
 * What a daemon has on its disk and needs no more:
 *
 *   WORKING_COPY  of a contract that is over, after the keep time; never with work that no checkpoint holds
 *   MIRROR        of a repository of which there is no working copy, not used for the keep time
 *   LEFTOVER      files that a daemon which was killed left of a task or an upload
 */
export type CleanUpKind = 'WORKING_COPY' | 'MIRROR' | 'LEFTOVER';

/** Something that was looked at, and what became of it. */
export interface CleanUpEntry {
  readonly kind: CleanUpKind;
  readonly path: string;
  /** In a dry run: would be. */
  readonly removed: boolean;
  /** Why, for a person. */
  readonly reason: string;
}

export interface CleanUpOptions {
  readonly paths: DataPaths;
  readonly worktrees: Worktrees;
  readonly records: RunRecords;
  /** Asks the server: when each of these contracts ended, null for an open one. Those it does not know are left out. */
  readonly endOf: (contractIds: readonly string[]) => Promise<ReadonlyMap<string, Date | null>>;
  readonly keepMs: number;
  /** How long nobody has opened a mirror that goes. Whoever just did may be about to make a working copy of it. */
  readonly mirrorKeepMs: number;
  /** Tells what would be done, and does nothing. */
  readonly dryRun: boolean;
  /** Takes contracts that the server does not know for over: they are deleted, or another server's. */
  readonly unknownToo: boolean;
  readonly now: () => Date;
  readonly signal: AbortSignal;
}

/** @returns what was removed, and what was kept and why; nothing is said of mirrors that are in use */
export async function cleanUp(options: CleanUpOptions): Promise<CleanUpEntry[]> {
  const copies = await cleanCopies(options);
  const gone = new Set(copies.filter(({ removed }) => removed).map(({ path }) => path));
  const mirrors = await cleanMirrors(options, gone);
  return [...copies, ...mirrors, ...(await cleanLeftovers(options))];
}

/** `3 days`, for a person. */
export function daysOf(ms: number): string {
  const days = Math.floor(ms / 86_400_000);
  return `${days} ${days === 1 ? 'day' : 'days'}`;
}
