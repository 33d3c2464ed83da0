import { randomUUID } from 'node:crypto';
import { readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { alone, exclusively } from './locks.ts';
import { forgetLookups } from './lookup.ts';
import type { Mirror } from './mirror.ts';
import { dropRefs } from './objects.ts';
import { git } from './run.ts';

type Place = Pick<Mirror, 'dir'>;

const GC_TIMEOUT_MS = 600_000;
/** Directories that somebody was making or removing; the number is the process. */
const UNDER_WAY = /^\.(?:new|old)-(\d+)-/;

/** Packs the mirror and drops what no ref holds any more. Waits for, and keeps out, snapshots and merges. */
export async function compactMirror({ dir }: Place, signal?: AbortSignal): Promise<void> {
  await alone(dir, () =>
    exclusively(`mirror ${dir}`, () =>
      withoutLookups(dir, () =>
        git(['gc', '--quiet', '--prune=2.weeks.ago'], { gitDir: dir, timeoutMs: GC_TIMEOUT_MS, signal }),
      ),
    ),
  );
}

/** Whoever looks something up meanwhile sees the packs as they were; nobody does afterwards. */
async function withoutLookups(dir: string, work: () => Promise<unknown>): Promise<void> {
  forgetLookups(dir);
  await work().finally(() => forgetLookups(dir));
}

/** Drops the refs of commits that were fetched for one operation before that day. */
export async function dropOldFetches({ dir }: Place, before: Date): Promise<void> {
  const listed = await git(['for-each-ref', '--format=%(refname)', 'refs/taskmesh/fetched/'], {
    gitDir: dir,
  });
  const day = before.toISOString().slice(0, 10);
  const old = listed.stdout.split('\n').filter((ref) => ref !== '' && (ref.split('/')[3] ?? '') < day);
  await dropRefs({ dir }, old);
}

/** Remembers that the mirror is used now. */
export async function markUsed(dir: string): Promise<void> {
  const file = join(dir, 'taskmesh', 'used');
  await writeFile(file, '');
  const now = new Date();
  await utimes(file, now, now);
}

/** When it was last opened; null when it is gone. */
export async function lastUsed(dir: string): Promise<Date | null> {
  for (const path of [join(dir, 'taskmesh', 'used'), dir]) {
    const found = await stat(path).catch(() => null);
    if (found) return found.mtime;
  }
  return null;
}

/** The directories of all mirrors. */
export async function listMirrors(mirrorsDir: string): Promise<string[]> {
  const names = await readdir(mirrorsDir).catch(() => []);
  return names
    .filter((name) => name.endsWith('.git') && !name.startsWith('.'))
    .sort()
    .map((name) => join(mirrorsDir, name));
}

/**
 * Deletes a mirror that nobody has used since, whole or not at all: whoever needs it meanwhile makes a new one.
 * @returns whether it was deleted
 */
export async function removeMirror(dir: string, isOld: (lastUsed: Date) => boolean): Promise<boolean> {
  const doomed = join(dirname(dir), `.old-${process.pid}-${randomUUID()}`);
  const isRemoved = await alone(dir, () =>
    exclusively(`mirror ${dir}`, async () => {
      const used = await lastUsed(dir);
      if (used === null || !isOld(used)) return false;
      await withoutLookups(dir, () => rename(dir, doomed));
      return true;
    }),
  );
  if (isRemoved) await rm(doomed, { recursive: true, force: true });
  return isRemoved;
}

/** Removes what processes that died while making or removing a mirror left behind. */
export async function sweepMirrors(mirrorsDir: string): Promise<void> {
  for (const entry of await readdir(mirrorsDir).catch(() => [])) {
    const pid = UNDER_WAY.exec(entry)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    await rm(join(mirrorsDir, entry), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
