import { join } from 'node:path';
import { ignoredPaths } from './ignored.ts';
import type { Mirror } from './mirror.ts';
import { appendAs, excludeFileOf, openStage, stagedGit } from './stage.ts';
import type { WorkingCopy } from './working-copy.ts';

/**
 * Keeps files of the copy that git does not track out of snapshots, and of what its agent commits with `git add -A`:
 * such as secrets that were copied in, which must not end in a branch that is published.
 * @param paths relative to the copy
 */
export async function keepOut(mirror: Mirror, copy: WorkingCopy, paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return;
  const stage = await openStage(copy.path, copy.user);
  const ignored = await ignoredPaths(stagedGit(mirror, copy.path, stage, { user: copy.user }), paths);
  const lines = paths.filter((path) => !ignored.has(path)).map((path) => `${patternOf(path)}\n`);
  for (const file of [excludeFileOf(copy.path), join(copy.path, '.git', 'info', 'exclude')])
    await appendAs(copy.user, file, lines.join(''));
}

/** This one path, in the language of .gitignore. */
function patternOf(path: string): string {
  return `/${path.replace(/[\\*?[\]!# ]/g, '\\$&')}`;
}
