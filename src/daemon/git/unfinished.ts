import { lstat } from 'node:fs/promises';
import { join } from 'node:path';

const MARKERS: Readonly<Record<string, string>> = {
  MERGE_HEAD: 'a merge',
  CHERRY_PICK_HEAD: 'a cherry-pick',
  REVERT_HEAD: 'a revert',
  BISECT_LOG: 'a bisection',
  'rebase-merge': 'a rebase',
  'rebase-apply': 'a rebase',
  sequencer: 'a sequence of picks',
};

/** What somebody has begun in a git directory and not ended (`a rebase`), null when nothing. */
export async function unfinishedIn(gitDir: string): Promise<string | null> {
  for (const [marker, what] of Object.entries(MARKERS)) {
    if (await lstat(join(gitDir, marker)).catch(() => null)) return what;
  }
  return null;
}
