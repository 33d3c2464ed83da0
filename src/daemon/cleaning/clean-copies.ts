import { lstat, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UnsavedChangesError } from '../git/errors.ts';
import { forgetRefs } from '../git/saved.ts';
import { removeTree, STAGE } from '../git/stage.ts';
import type { GitUser } from '../git/user.ts';
import { checkSaved, REMOVED, removeWorkingCopy } from '../git/working-copy.ts';
import { mirrorOf, type WorktreeRecord } from '../worktrees.ts';
import { type CleanUpEntry, type CleanUpOptions, daysOf } from './clean-up.ts';

/** Working copies of contracts that are over. */
export async function cleanCopies(options: CleanUpOptions): Promise<CleanUpEntry[]> {
  const { worktrees, records, endOf, signal } = options;
  const found: { id: string; record: WorktreeRecord | null }[] = [];
  for (const id of await worktrees.ids())
    found.push({ id, record: await worktrees.record(id).catch(() => null) });
  const contracts = [...new Set(found.flatMap(({ record }) => (record ? [record.contractId] : [])))];
  const ends = contracts.length > 0 ? await endOf(contracts) : new Map<string, Date | null>();
  const inUse = new Set((await records.all()).map(({ worktreeId }) => worktreeId));
  const entries: CleanUpEntry[] = [];
  for (const { id, record } of found) {
    signal.throwIfAborted();
    const path = worktrees.directoryOf(id);
    const kept = (reason: string) => entries.push({ kind: 'WORKING_COPY', path, removed: false, reason });
    if (record === null) {
      kept('there is no record of it: it is being made, or a crash left it half made');
      continue;
    }
    if (inUse.has(id)) {
      kept('a task that works in it has not ended');
      continue;
    }
    const end = await endedAt(options, record, ends.get(record.contractId), path);
    if ('not' in end) kept(end.not);
    else entries.push(await clean(options, record, path, end.reason));
  }
  return entries;
}

/** Whether its contract has been over for long enough. */
async function endedAt(
  { now, keepMs, unknownToo }: CleanUpOptions,
  record: WorktreeRecord,
  end: Date | null | undefined,
  path: string,
): Promise<{ reason: string } | { not: string }> {
  if (end === null) return { not: `its contract ${record.contractId} is open` };
  if (end === undefined && !unknownToo) {
    return {
      not: `the server does not know its contract ${record.contractId}: deleted, or of another server`,
    };
  }
  // Of a contract that nobody knows: when it was last saved.
  const since = end ?? (await lstat(join(path, 'worktree.json'))).mtime;
  const age = now().getTime() - since.getTime();
  const what = end
    ? `its contract ended ${daysOf(age)} ago`
    : `its contract is unknown, it was saved ${daysOf(age)} ago`;
  return age >= keepMs ? { reason: what } : { not: `${what}, and it is kept for ${daysOf(keepMs)}` };
}

async function clean(
  { worktrees, dryRun }: CleanUpOptions,
  record: WorktreeRecord,
  path: string,
  reason: string,
): Promise<CleanUpEntry> {
  const entry = { kind: 'WORKING_COPY', path } as const;
  const { worktreeId } = record;
  const mirror = mirrorOf(record);
  try {
    const worktree = await worktrees.find(worktreeId);
    if (dryRun) {
      if (worktree) await checkSaved(mirror, worktree.copy, 'checkpoints');
      return { ...entry, removed: true, reason };
    }
    if (worktree)
      await removeWorkingCopy({ mirror, copy: worktree.copy, savedIn: 'checkpoints', forget: true });
    // A removal that was cut short has only this left to do.
    else await forgetRefs(mirror, worktreeId).catch(() => undefined);
    const left = await sweep(path, worktrees.user);
    if (left.length > 0) {
      const why = `${left.join(', ')} may hold work: a crash left it, and nobody knows it`;
      return { ...entry, removed: false, reason: why };
    }
    await rm(join(path, 'worktree.json'), { force: true });
    await rmdir(path);
    return { ...entry, removed: true, reason };
  } catch (error) {
    if (error instanceof UnsavedChangesError)
      return { ...entry, removed: false, reason: `it holds work that no checkpoint has: ${error.reason}` };
    const { message } = error as Error;
    return { ...entry, removed: false, reason: `it could not be looked at: ${message}` };
  }
}

/** Deletes what belonged to a copy that is gone. @returns what else there is beside our record */
async function sweep(path: string, user: GitUser | undefined): Promise<string[]> {
  const names = await readdir(path);
  const left: string[] = [];
  for (const name of names) {
    const isStage = name.endsWith(STAGE) && !names.includes(name.slice(0, -STAGE.length));
    if (REMOVED.test(name) || isStage) await removeTree(join(path, name), user);
    else if (name !== 'worktree.json' && !name.endsWith(STAGE)) left.push(name);
  }
  return left;
}
