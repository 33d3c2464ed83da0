import { readdir, readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  compactMirror,
  dropOldFetches,
  lastUsed,
  listMirrors,
  removeMirror,
  sweepMirrors,
} from '../git/mirror-upkeep.ts';
import { type CleanUpEntry, type CleanUpOptions, daysOf } from './clean-up.ts';

/** As many packs as git itself lets come together before it packs anew. */
const MAX_PACKS = 50;

/**
 * Mirrors that no working copy borrows from. Those that are in use are packed anew where that is worth it.
 * @param gone directories of working copies that are removed, or in a dry run would be
 */
export async function cleanMirrors(
  options: CleanUpOptions,
  gone: ReadonlySet<string>,
): Promise<CleanUpEntry[]> {
  const { paths, dryRun, mirrorKeepMs, now, signal } = options;
  if (!dryRun) await sweepMirrors(paths.mirrors);
  const used = await borrowed(options, gone);
  const ageOf = (at: Date) => now().getTime() - at.getTime();
  const entries: CleanUpEntry[] = [];
  for (const path of await listMirrors(paths.mirrors)) {
    signal.throwIfAborted();
    if (used.has(await realpath(path))) {
      if (!dryRun) await packAnew(options, path);
      continue;
    }
    const usedAt = await lastUsed(path);
    if (usedAt === null) continue;
    const reason = `no working copy uses it, and it was last used ${daysOf(ageOf(usedAt))} ago`;
    const isOld = (at: Date) => ageOf(at) >= mirrorKeepMs;
    const removed = isOld(usedAt) && (dryRun || (await removeMirror(path, isOld)));
    const kept = `${reason}; it is kept for ${daysOf(mirrorKeepMs)}`;
    entries.push({ kind: 'MIRROR', path, removed, reason: removed ? reason : kept });
  }
  return entries;
}

/** The mirrors that working copies borrow objects from, also copies that we know nothing else of. */
async function borrowed(
  { worktrees }: CleanUpOptions,
  gone: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const used = new Set<string>();
  const add = async (dir: string) => used.add(await realpath(dir).catch(() => dir));
  for (const id of await worktrees.ids()) {
    const path = worktrees.directoryOf(id);
    if (gone.has(path)) continue;
    const record = await worktrees.record(id).catch(() => null);
    if (record) await add(record.mirrorDir);
    for (const name of await readdir(path).catch(() => [])) {
      const alternates = join(path, name, '.git', 'objects', 'info', 'alternates');
      const text = await readFile(alternates, 'utf8').catch(() => '');
      for (const objects of text.split('\n').filter(Boolean)) await add(dirname(objects));
    }
  }
  return used;
}

async function packAnew({ signal, keepMs, now }: CleanUpOptions, dir: string): Promise<void> {
  const files = await readdir(join(dir, 'objects', 'pack'));
  if (files.filter((name) => name.endsWith('.pack')).length <= MAX_PACKS) return;
  await dropOldFetches({ dir }, new Date(now().getTime() - keepMs));
  await compactMirror({ dir }, signal);
}
