import { lchown, lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exclusively, sideBySide, together } from './locks.ts';
import { findCommit, type Mirror, originUrl, resolveCommit } from './mirror.ts';
import { absolutePath, branchName, branchRef, type Name, names, objectId, worktreeKey } from './names.ts';
import { type Identity, setRefs, TASKMESH_IDENTITY, worktreeRefs } from './objects.ts';
import { git, withoutSecrets } from './run.ts';
import { assertSaved, forgetRefs, type SavedIn } from './saved.ts';
import { copyAs, openStage, removeTree, stageOf } from './stage.ts';
import type { GitUser } from './user.ts';

/** Names of copies that were being deleted, and whose deletion was cut short. */
export const REMOVED = /\.removed-\d+$/;

/** A directory that agents work in: an ordinary repository that borrows the mirror's objects. */
export interface WorkingCopy {
  worktreeId: string;
  path: string;
  /** The branch it was made with; an agent may have switched to another. */
  branch: string;
  /** The commit that its diff is taken against. */
  baseSha: string;
  /** Whom git in this copy runs as; left out: the daemon's own user. */
  user?: GitUser | undefined;
}

/** Where a working copy starts: the first one given of commit, worktreeId, branch; none: the default branch. */
export interface WorkingCopyStart {
  /** A branch of the repository. */
  branch?: string | undefined;
  /** Another working copy: its branch as the daemon last saw it. Unknown here: `branch` counts. */
  worktreeId?: string | undefined;
  /** A commit that the mirror has, for instance of a restored checkpoint. */
  commit?: string | undefined;
}

export interface CreateWorkingCopyOptions {
  mirror: Mirror;
  worktreeId: string;
  path: string;
  branch: string;
  start: WorkingCopyStart;
  /** The base, when it is not the start itself: a restored copy keeps the base of the first one. */
  base?: string | undefined;
  user?: GitUser | undefined;
  /** Who the agent's own commits are by, default Taskmesh. */
  identity?: Identity | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Makes a working copy, or returns the one that is there. What a crash left half made is moved aside, never deleted.
 * @throws RevisionNotFoundError when the start does not exist; InvalidNameError
 */
export async function createWorkingCopy(options: CreateWorkingCopyOptions): Promise<WorkingCopy> {
  const { mirror, user } = options;
  const worktreeId = worktreeKey(options.worktreeId);
  const path = absolutePath(options.path);
  const branch = branchName(options.branch);
  return exclusively(`copy ${path}`, () =>
    together(mirror.dir, async () => {
      const refs = worktreeRefs(worktreeId);
      const finished = await readRecord(mirror, worktreeId);
      if (finished && finished.path === path && (await isDirectory(path))) {
        return { ...finished, ...(user ? { user } : {}) };
      }
      const start = await resolveStart(mirror, options.start);
      const baseSha =
        options.base === undefined ? start : await resolveCommit(mirror, objectId(options.base, 'base'));
      await setRefs(mirror, [
        { ref: refs.base, commit: baseSha },
        { ref: refs.head, commit: start },
      ]);
      await moveAside(path);
      await mkdir(dirname(path), { recursive: true });
      await mkdir(path, { recursive: true, ...(user ? { mode: 0o700 } : {}) });
      if (user) await lchown(path, user.uid, user.gid);
      const copy: WorkingCopy = { worktreeId, path, branch, baseSha, ...(user ? { user } : {}) };
      await clone(mirror, copy, start, options.identity ?? TASKMESH_IDENTITY, options.signal);
      await writeRecord(mirror, copy);
      return copy;
    }),
  );
}

/** A finished working copy of this mirror, null when there is none by that id. `user` is not kept: give it anew. */
export async function findWorkingCopy(mirror: Mirror, worktreeId: string): Promise<WorkingCopy | null> {
  const record = await readRecord(mirror, worktreeKey(worktreeId));
  return record && (await isDirectory(record.path)) ? record : null;
}

/**
 * Deletes a working copy. Its refs in the mirror stay, so its snapshots can still be read; `forget` drops them too.
 * @throws UnsavedChangesError when files, or commits of any of its branches or its stash, are not saved
 */
export async function removeWorkingCopy(options: {
  mirror: Mirror;
  copy: WorkingCopy;
  /** Deletes it whatever it holds. */
  force?: boolean;
  forget?: boolean;
  /** Where what it holds must be saved, default `snapshots`. */
  savedIn?: SavedIn;
}): Promise<void> {
  const { mirror, copy, savedIn = 'snapshots' } = options;
  await exclusively(`copy ${copy.path}`, () =>
    together(mirror.dir, async () => {
      if ((await isDirectory(copy.path)) && !options.force) await assertSaved(mirror, copy, savedIn);
      // Out of its place first: what a crash leaves half deleted must not look like a copy with changes.
      const doomed = `${copy.path}.removed-${Date.now()}`;
      await rename(copy.path, doomed).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
      await removeTree(doomed, copy.user);
      await removeTree(stageOf(copy.path).dir, copy.user);
      await rm(recordFile(mirror, copy.worktreeId), { force: true });
      if (options.forget) await forgetRefs(mirror, copy.worktreeId);
    }),
  );
}

/** What `removeWorkingCopy` would refuse, without removing anything. @throws UnsavedChangesError */
export async function checkSaved(mirror: Mirror, copy: WorkingCopy, savedIn: SavedIn): Promise<void> {
  await exclusively(`copy ${copy.path}`, () =>
    together(mirror.dir, () => assertSaved(mirror, copy, savedIn)),
  );
}

async function resolveStart(mirror: Mirror, start: WorkingCopyStart): Promise<string> {
  if (start.commit !== undefined) return resolveCommit(mirror, objectId(start.commit, 'start'));
  if (start.worktreeId !== undefined) {
    const head = await findCommit(mirror, worktreeRefs(start.worktreeId).head);
    if (head !== null) return head;
  }
  return resolveCommit(mirror, branchRef(start.branch ?? mirror.defaultBranch, 'start'));
}

async function clone(
  mirror: Mirror,
  copy: WorkingCopy,
  start: string,
  identity: Identity,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { path, user } = copy;
  const settings = [`user.name=${identity.name}`, `user.email=${identity.email}`, 'core.protectHFS=true'];
  await git(
    [
      'clone',
      '--quiet',
      '--shared',
      '--no-checkout',
      '--no-tags',
      `--template=${join(mirror.dir, 'taskmesh', 'template')}`,
      ...settings.flatMap((setting) => ['--config', setting]),
      ...names(mirror.dir as Name, path as Name),
    ],
    // The mirror may belong to another user than the copy: this trusts that one directory, and nothing else.
    { user, signal, network: true, env: { GIT_CONFIG_GLOBAL: join(mirror.dir, 'taskmesh', 'clone.config') } },
  );
  const own = { gitDir: join(path, '.git'), cwd: path, user, signal };
  const branch = branchRef(copy.branch);
  const putOnBranch = async () => {
    await git(['update-ref', ...names(branch, objectId(start))], own);
    await git(['symbolic-ref', 'HEAD', branch], own);
  };
  await sideBySide(
    putOnBranch(),
    // A person looking into the copy expects origin to be the repository, not the daemon's mirror of it.
    git(
      ['remote', 'set-url', 'origin', withoutSecrets(originUrl(mirror.source)).replace('//***@', '//')],
      own,
    ),
  );

  const stage = await openStage(path, user);
  await rm(stage.indexFile, { force: true });
  const files = { gitDir: mirror.dir, workTree: path, cwd: path, user, signal };
  await git(['read-tree', '-m', '-u', start], { ...files, indexFile: stage.indexFile });
  // The same files at the same moment: git would read them all again for an index of its own.
  await copyAs(user, stage.indexFile, join(path, '.git', 'index'));
}

async function moveAside(path: string): Promise<void> {
  const entries = await readdir(path).catch(() => []);
  const found = await lstat(path).catch(() => null);
  if (!found || (found.isDirectory() && entries.length === 0)) return;
  await rename(path, `${path}.unfinished-${Date.now()}`);
}

interface CopyRecord {
  worktreeId: string;
  path: string;
  branch: string;
  baseSha: string;
}

function recordFile(mirror: Mirror, worktreeId: string): string {
  return join(mirror.dir, 'taskmesh', 'worktrees', `${worktreeKey(worktreeId)}.json`);
}

/** Written last, by rename: what has a record is finished. It lies in the mirror, out of the agent's reach. */
async function writeRecord(mirror: Mirror, copy: WorkingCopy): Promise<void> {
  const file = recordFile(mirror, copy.worktreeId);
  const { worktreeId, path, branch, baseSha } = copy;
  await writeFile(`${file}.new`, JSON.stringify({ worktreeId, path, branch, baseSha } satisfies CopyRecord));
  await rename(`${file}.new`, file);
}

async function readRecord(mirror: Mirror, worktreeId: string): Promise<CopyRecord | null> {
  const text = await readFile(recordFile(mirror, worktreeId), 'utf8').catch(() => null);
  return text === null ? null : (JSON.parse(text) as CopyRecord);
}

async function isDirectory(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null))?.isDirectory() ?? false;
}
