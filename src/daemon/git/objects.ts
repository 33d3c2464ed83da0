import { GitError } from './errors.ts';
import { lookUp } from './lookup.ts';
import type { Mirror } from './mirror.ts';
import { type Name, names, objectId, refName, worktreeKey } from './names.ts';
import { type GitCall, type GitOptions, git, gitFeed, gitPipe } from './run.ts';

/** Who a commit says made it. */
export interface Identity {
  name: string;
  email: string;
}

export const TASKMESH_IDENTITY: Identity = { name: 'Taskmesh', email: 'taskmesh@localhost' };

/** Most bytes of one import into a mirror, 1 GiB. */
export const MAX_IMPORT_BYTES = 1024 ** 3;

const NO_OBJECT = '0'.repeat(40);
const IMPORT_TIMEOUT_MS = 600_000;

/** Our refs of one working copy: its base, its branch as last seen, its last snapshot. They also keep gc away. */
export function worktreeRefs(worktreeId: string): { base: Name; head: Name; snapshot: Name } {
  const prefix = `refs/taskmesh/worktrees/${worktreeKey(worktreeId)}`;
  return {
    base: refName(`${prefix}/base`),
    head: refName(`${prefix}/head`),
    snapshot: refName(`${prefix}/snapshot`),
  };
}

/** Where a checkpoint that the server has holds its commit here. What such a ref leads to is saved elsewhere, too. */
export const RECORDED = 'refs/taskmesh/recorded';

/** The ref of a checkpoint that the server has of one of our working copies. */
export function recordedRef(worktreeId: string, checkpointId: string): Name {
  return refName(`${RECORDED}/${worktreeKey(worktreeId)}/${worktreeKey(checkpointId, 'checkpointId')}`);
}

/** Holds a commit that was fetched for one operation, under the day it was fetched: clean-up drops old days. */
export function fetchedRef(checkpointId: string, now: Date): Name {
  const day = now.toISOString().slice(0, 10);
  return refName(`refs/taskmesh/fetched/${day}/${worktreeKey(checkpointId, 'checkpointId')}`);
}

/** Writes a commit object and gives its id. Git refuses an empty name; both are cleaned of line breaks. */
export async function commitTree(
  mirror: Mirror,
  commit: {
    tree: string;
    parents: readonly string[];
    message: string;
    identity?: Identity | undefined;
    date?: string;
  },
): Promise<string> {
  const { name, email } = commit.identity ?? TASKMESH_IDENTITY;
  const env: Record<string, string> = {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
  };
  if (commit.date !== undefined) {
    env.GIT_AUTHOR_DATE = commit.date;
    env.GIT_COMMITTER_DATE = commit.date;
  }
  const parents = commit.parents.flatMap((parent) => ['-p', objectId(parent)]);
  const args = ['commit-tree', ...parents, '-F', '-', objectId(commit.tree, 'tree')];
  const written = await git(args, {
    gitDir: mirror.dir,
    input: `${commit.message.trim() || 'Checkpoint'}\n`,
    env,
  });
  return written.stdout.trim();
}

/** The id of a commit's tree. @throws GitError when the mirror has no such commit */
export async function treeOf(mirror: Mirror, commit: string): Promise<string> {
  const rev = `${objectId(commit)}^{tree}`;
  const found = await lookUp(mirror.dir, rev);
  if (!found) throw new GitError(`git cat-file: ${rev}`, null, 'no such object');
  return found.id;
}

/** The commit that a full ref or object id leads to in any repository, null when there is none. Of a mirror: `findCommit`. */
export async function commitAt(rev: string, call: GitOptions): Promise<string | null> {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${rev}^{commit}`];
  const found = await git(args, { ...call, okCodes: [0, 1, 128] });
  return found.code === 0 ? objectId(found.stdout.trim()) : null;
}

/** The id of a commit's first parent; null when it has none, or the history was cut off there. */
export async function parentOf(mirror: Mirror, commit: string): Promise<string | null> {
  return (await lookUp(mirror.dir, `${objectId(commit)}^1`))?.id ?? null;
}

/** True when the mirror has the object. */
export async function hasObject(mirror: Mirror, id: string, type: 'commit' | 'tree'): Promise<boolean> {
  return (await lookUp(mirror.dir, `${objectId(id)}^{${type}}`)) !== null;
}

/** True when the mirror has the commit and all that it leads to. */
export async function holdsCommit(mirror: Mirror, commit: string): Promise<boolean> {
  if (!(await hasObject(mirror, commit, 'commit'))) return false;
  const args = ['rev-list', '--objects', '--quiet', objectId(commit), '--not', '--all'];
  return (await git(args, { gitDir: mirror.dir, okCodes: [0, 1, 128] })).code === 0;
}

/** True when every commit of `ancestor` is in `descendant`, which may be the same commit. */
export async function isAncestor(gitDir: string, ancestor: string, descendant: string): Promise<boolean> {
  const args = ['merge-base', '--is-ancestor', ...names(objectId(ancestor), objectId(descendant))];
  return (await git(args, { gitDir, okCodes: [0, 1] })).code === 0;
}

/** Whether a checkpoint that the server has holds the commit. */
export async function isRecorded(mirror: Mirror, commit: string): Promise<boolean> {
  const args = ['for-each-ref', '--count=1', `--contains=${objectId(commit)}`, `${RECORDED}/`];
  return (await git(args, { gitDir: mirror.dir })).stdout !== '';
}

/** A ref of the mirror and where it is to point; with `old`, only while it still is there (null: while it does not exist). */
export interface RefChange {
  readonly ref: Name;
  readonly commit: string;
  readonly old?: string | null;
}

/** Points a ref of the mirror at a commit. */
export async function setRef(mirror: Mirror, ref: Name, commit: string, old?: string | null): Promise<void> {
  await setRefs(mirror, [old === undefined ? { ref, commit } : { ref, commit, old }]);
}

/** Changes all of the refs or, when one is no longer where it was to be, none. @throws GitError */
export async function setRefs(mirror: Mirror, changes: readonly RefChange[]): Promise<void> {
  const lines: string[] = [];
  for (const { ref, commit, old } of changes) {
    const to = objectId(commit);
    if (old === undefined && (await isAt(mirror, ref, to))) continue;
    lines.push(
      `update ${ref} ${to}${old === undefined ? '' : ` ${old === null ? NO_OBJECT : objectId(old)}`}\n`,
    );
  }
  if (lines.length === 0) return;
  await git(['update-ref', '--stdin'], { gitDir: mirror.dir, input: lines.join('') });
}

/** Whether the ref is there and leads to the object; false also where that cannot be told from the name alone. */
export async function isAt(mirror: Mirror, ref: Name, id: string): Promise<boolean> {
  // Without such a ref git takes the name for what `git describe` says of a commit.
  return !/-g[0-9a-f]+$/.test(ref) && (await lookUp(mirror.dir, ref))?.id === id;
}

/** Takes refs of the mirror away, wherever they point. */
export async function dropRefs({ dir }: Pick<Mirror, 'dir'>, refs: readonly string[]): Promise<void> {
  if (refs.length === 0) return;
  const input = refs.map((ref) => `delete ${refName(ref)}\n`).join('');
  await git(['update-ref', '--stdin'], { gitDir: dir, input });
}

/**
 * Takes objects that a git we do not trust packs: their ids are computed anew, malformed or evil trees are refused, and
 * what a tip leads to must be complete.
 * @throws GitError when anything about it is wrong; loose ends that came are left for gc
 */
export async function importPack(
  mirror: Mirror,
  source: GitCall | AsyncIterable<Uint8Array>,
  tips: readonly string[],
  options: { maxBytes?: number | undefined; signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const limit = Math.floor(options.maxBytes ?? MAX_IMPORT_BYTES);
  const call: GitOptions = { gitDir: mirror.dir, timeoutMs: IMPORT_TIMEOUT_MS, signal: options.signal };
  const sink = {
    args: ['index-pack', '--stdin', '--fix-thin', '--strict', `--max-input-size=${limit}`],
    options: call,
  };
  if ('args' in source) await gitPipe(source, sink);
  else await gitFeed(source, sink);
  for (const tip of tips) {
    const args = ['rev-list', '--objects', '--quiet', objectId(tip), '--not', '--all'];
    await git(args, call);
  }
}
