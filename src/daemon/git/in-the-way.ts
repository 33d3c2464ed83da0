import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mirror } from './mirror.ts';
import { names, objectId } from './names.ts';
import { git } from './run.ts';

/** Paths that `to` adds to `from` (commits or trees) where a directory already has something else. */
export async function takenPaths(mirror: Mirror, root: string, from: string, to: string): Promise<string[]> {
  const list = async (filter: string) => {
    const args = ['diff-tree', '-r', '-z', '--no-renames', '--name-only', `--diff-filter=${filter}`];
    const shown = await git([...args, ...names(objectId(from), objectId(to))], { gitDir: mirror.dir });
    return shown.stdout.split('\0').filter(Boolean);
  };
  const added = await list('A');
  if (added.length === 0) return [];
  const removed = new Set(await list('D'));
  const taken: string[] = [];
  for (const path of added) if (await isTaken(root, path, removed)) taken.push(path);
  return taken;
}

async function isTaken(root: string, path: string, removed: ReadonlySet<string>): Promise<boolean> {
  const parts = path.split('/');
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const current = parts.slice(0, depth).join('/');
    const stats = await lstat(join(root, current)).catch(() => null);
    if (!stats || removed.has(current)) return false;
    if (!stats.isDirectory()) return true;
    // A directory where a file comes: git replaces it only when all in it was tracked, and refuses by itself else.
    if (depth === parts.length) return ![...removed].some((gone) => gone.startsWith(`${current}/`));
  }
  return false;
}
