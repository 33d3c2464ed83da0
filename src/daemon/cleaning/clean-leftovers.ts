import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeTree } from '../git/stage.ts';
import { type CleanUpEntry, type CleanUpOptions, daysOf } from './clean-up.ts';

const DAY_MS = 86_400_000;

/** Files of tasks and uploads that are over. What is a task's is named after it, and its record goes last. */
export async function cleanLeftovers(options: CleanUpOptions): Promise<CleanUpEntry[]> {
  const { paths, records, worktrees, keepMs, signal, now, dryRun } = options;
  const places = [
    // Of a task that rests an agent may find its session by its directory again.
    { dir: paths.scratch, ageMs: Math.max(keepMs, DAY_MS), ofTask: true, user: worktrees.user },
    { dir: paths.plans, ageMs: DAY_MS, ofTask: true, user: undefined },
    { dir: paths.uploads, ageMs: DAY_MS, ofTask: false, user: undefined },
  ];
  const entries: CleanUpEntry[] = [];
  for (const { dir, ageMs, ofTask, user } of places) {
    const names = await readdir(dir).catch(() => []);
    // After the names: whoever starts a task meanwhile has its record written first.
    const running = (await records.all()).map(({ taskId }) => taskId);
    for (const name of names) {
      signal.throwIfAborted();
      if (ofTask && running.some((taskId) => name === taskId || name.startsWith(`${taskId}.`))) continue;
      const path = join(dir, name);
      const found = await lstat(path).catch(() => null);
      const age = found ? now().getTime() - found.mtime.getTime() : 0;
      if (!found || age < ageMs) continue;
      if (!dryRun) await removeTree(path, user);
      const reason = `nothing that runs needs it, and it is ${daysOf(age)} old`;
      entries.push({ kind: 'LEFTOVER', path, removed: true, reason });
    }
  }
  return entries;
}
