import { cutText } from './diff.ts';
import { GitError } from './errors.ts';
import type { Mirror } from './mirror.ts';
import { names, objectId } from './names.ts';
import { commitTree } from './objects.ts';
import { git, gitBytes } from './run.ts';

export interface Conflict {
  path: string;
  /** What git calls it: `CONFLICT (contents)`, `CONFLICT (modify/delete)` … */
  kind: string;
  /** The conflicting parts with git's markers; empty where there is no text to show. */
  hunks: string[];
  /** The last commit of the target's side that touched the path; null when none did, or its change is not committed. */
  oursCommit: string | null;
  /** As `oursCommit`, of the side that is merged in. */
  theirsCommit: string | null;
}

export type TreeMerge =
  | { clean: true; tree: string }
  | { clean: false; conflicts: Conflict[]; message: string };

const MAX_CONFLICTS = 200;
const MAX_HUNKS = 20;
const MAX_HUNK_BYTES = 8 * 1024;
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/**
 * Merges two commits of the mirror into a tree, touching no ref and no file. The tree lists up to 200 conflicts.
 * @throws GitError when git fails for another reason than a conflict
 */
export async function mergeCommits(
  mirror: Mirror,
  ours: string,
  theirs: string,
  signal?: AbortSignal,
): Promise<TreeMerge> {
  const args = ['merge-tree', '--write-tree', '-z', ...names(objectId(ours), objectId(theirs))];
  const merged = await git(args, { gitDir: mirror.dir, okCodes: [0, 1, 128], signal });
  if (merged.code === 128 && merged.stderr.includes('unrelated histories')) {
    return { clean: false, conflicts: [], message: 'The two sides have no common history' };
  }
  const fields = merged.stdout.split('\0');
  const tree = fields[0] ?? '';
  // A bad argument ends with 1 as a conflict does; only a conflict begins with a tree.
  if (merged.code === 128 || !/^[0-9a-f]{40,64}$/.test(tree))
    throw new GitError('git merge-tree', merged.code, merged.stderr);
  if (merged.code === 0) return { clean: true, tree };
  const kinds = parseConflicts(fields);
  const conflicts: Conflict[] = [];
  for (const [path, kind] of [...kinds].slice(0, MAX_CONFLICTS)) {
    const hunks = await hunksOf(mirror, tree, path);
    conflicts.push({ path, kind, hunks, oursCommit: null, theirsCommit: null });
  }
  const more = kinds.size > 1 ? `${kinds.size} files conflict` : '1 file conflicts';
  return { clean: false, conflicts, message: more };
}

/**
 * Merges three trees, for a base that the histories do not show. @throws as mergeCommits
 */
export async function mergeTrees(
  mirror: Mirror,
  trees: { base: string; ours: string; theirs: string },
  signal?: AbortSignal,
): Promise<TreeMerge> {
  // A fixed date makes these commits the same each time, so a repeated merge adds no objects.
  const made = { message: 'base', date: '@0 +0000' };
  const base = await commitTree(mirror, { ...made, tree: trees.base, parents: [] });
  const ours = await commitTree(mirror, { ...made, message: 'ours', tree: trees.ours, parents: [base] });
  const theirs = await commitTree(mirror, {
    ...made,
    message: 'theirs',
    tree: trees.theirs,
    parents: [base],
  });
  return mergeCommits(mirror, ours, theirs, signal);
}

/** Fills in, for both sides, the last commit after `base` that touched each conflicting path. */
export async function nameCulprits(
  mirror: Mirror,
  conflicts: readonly Conflict[],
  sides: { base: string | null; ours: string | null; theirs: string | null },
): Promise<Conflict[]> {
  const { base, ours, theirs } = sides;
  return Promise.all(
    conflicts.map(async (conflict) => ({
      ...conflict,
      oursCommit: ours === null ? null : await lastTouch(mirror, base, ours, conflict.path),
      theirsCommit: theirs === null ? null : await lastTouch(mirror, base, theirs, conflict.path),
    })),
  );
}

/** The best common ancestor of two commits, null without common history. */
export async function mergeBase(mirror: Mirror, one: string, other: string): Promise<string | null> {
  const args = ['merge-base', ...names(objectId(one), objectId(other))];
  const found = await git(args, { gitDir: mirror.dir, okCodes: [0, 1] });
  return found.code === 0 ? (found.stdout.trim().split('\n')[0] ?? null) : null;
}

async function lastTouch(
  mirror: Mirror,
  base: string | null,
  side: string,
  path: string,
): Promise<string | null> {
  const range = base === null ? [side] : [side, `^${base}`];
  const shown = await git(['rev-list', '--max-count=1', ...range, '--', path], { gitDir: mirror.dir });
  return shown.stdout.trim() || null;
}

/** After the tree: `mode id stage\tpath`…, an empty field, then `count, path…, type, text`…. */
function parseConflicts(fields: readonly string[]): Map<string, string> {
  const kinds = new Map<string, string>();
  let at = 1;
  for (; at < fields.length && fields[at] !== ''; at += 1) {
    const path = fields[at]?.slice(fields[at]?.indexOf('\t') ?? 0).slice(1);
    if (path) kinds.set(path, 'CONFLICT');
  }
  at += 1;
  while (at < fields.length) {
    const count = Number(fields[at]);
    if (!Number.isInteger(count) || fields[at] === '') break;
    const paths = fields.slice(at + 1, at + 1 + count);
    const type = fields[at + 1 + count] ?? '';
    at += count + 3;
    if (!type.startsWith('CONFLICT')) continue;
    const known = paths.filter((path) => kinds.has(path));
    for (const path of known.length > 0 ? known : paths.slice(0, 1)) {
      if ((kinds.get(path) ?? 'CONFLICT') === 'CONFLICT') kinds.set(path, type);
    }
  }
  return kinds;
}

async function hunksOf(mirror: Mirror, tree: string, path: string): Promise<string[]> {
  const options = { gitDir: mirror.dir, okCodes: [0, 128], maxBytes: MAX_FILE_BYTES, truncate: true };
  const shown = await gitBytes(['cat-file', 'blob', `${objectId(tree, 'tree')}:${path}`], options);
  if (shown.code !== 0 || shown.stdout.includes(0)) return [];
  const hunks: string[] = [];
  let open: string[] | null = null;
  for (const line of shown.stdout.toString('utf8').split('\n')) {
    if (line.startsWith('<<<<<<< ')) open = [];
    open?.push(line);
    if (open && line.startsWith('>>>>>>> ')) {
      hunks.push(cutText(Buffer.from(open.join('\n')), MAX_HUNK_BYTES));
      open = null;
      if (hunks.length === MAX_HUNKS) break;
    }
  }
  return hunks;
}
