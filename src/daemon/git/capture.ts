import type { Dirent } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { GitError } from './errors.ts';
import { ignoredPaths } from './ignored.ts';
import { sideBySide } from './locks.ts';
import type { Mirror } from './mirror.ts';
import { hasObject, importPack, treeOf } from './objects.ts';
import { type GitOptions, git } from './run.ts';
import { assertRealDirectory, openStage, stagedGit } from './stage.ts';
import type { WorkingCopy } from './working-copy.ts';

export interface CaptureOptions {
  mirror: Mirror;
  copy: WorkingCopy;
  /** The commit the files are compared with; it is in the mirror. */
  head: string;
  signal?: AbortSignal | undefined;
  limits?: SnapshotLimits | undefined;
}

export interface SnapshotLimits {
  /** Most bytes of one import into the mirror, default 1 GiB. */
  maxImportBytes?: number | undefined;
  /** Milliseconds for each git command on the copy's files, default 120,000. */
  timeoutMs?: number | undefined;
}

const MAX_SKIPPED = 100;
const NESTED_ROUNDS = 10;

/**
 * Puts the files of a working copy (also untracked ones, not ignored ones) into a tree of the mirror. Changes nothing
 * in the copy. Must run under the copy's lock.
 * @returns the tree, and what could not be taken, one line each
 */
export async function captureFiles(options: CaptureOptions): Promise<{ tree: string; skipped: string[] }> {
  try {
    return await attempt(options);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    // A damaged index, or a cached entry whose object gc has dropped: once more from nothing.
    await rm((await openStage(options.copy.path, options.copy.user)).indexFile, { force: true });
    return attempt(options);
  }
}

async function attempt(options: CaptureOptions): Promise<{ tree: string; skipped: string[] }> {
  const { mirror, copy, head, signal } = options;
  await assertRealDirectory(copy.path);
  const stage = await openStage(copy.path, copy.user);
  const call = stagedGit(mirror, copy.path, stage, {
    user: copy.user,
    signal,
    timeoutMs: options.limits?.timeoutMs,
  });
  const skipped: string[] = [];

  // From HEAD each time, keeping the stat cache: what is committed is tracked although ignored, and what an earlier
  // snapshot took is dropped once it is ignored.
  const [forced] = await sideBySide(
    stagedIgnored(copy, call),
    git(['read-tree', '--reset', '-i', head], call),
  );
  const before = await entries(call, UNTRACKED);
  const wanted = before.gitlinks;
  // A file in the place of a gitlink takes over its mark, and would never be looked at again.
  if (before.hidden.length > 0) await updateIndex(['--no-skip-worktree'], before.hidden, call);
  if (forced !== '') await addForced(forced, call);
  await settleGitlinks(wanted, forced === '' ? wanted : (await entries(call)).gitlinks, call);
  await git(['update-index', '-q', '--refresh'], { ...call, okCodes: [0, 1] });
  await seedNestedRepositories(copy.path, before.untracked, call);

  const added = await git(['add', '-A', '--ignore-errors', '--', '.'], { ...call, okCodes: [0, 1, 128] });
  if (added.code === 128 && !added.stderr.includes('adding files failed'))
    throw new GitError('git add', 128, added.stderr);
  if (added.code !== 0) skipped.push(...complaints(added.stderr));
  const writeTree = async () => (await git(['write-tree'], call)).stdout.trim();
  const [{ gitlinks: present }, written] = await sideBySide(entries(call), writeTree());
  // Not those that a file has taken the place of: they would take the file's.
  const kept = new Map([...wanted].filter(([path]) => present.has(path)));
  const isAsWanted = kept.size === present.size && [...kept].every(([path, id]) => present.get(path) === id);
  const extra = await settleGitlinks(kept, present, call);
  skipped.push(...extra.map((path) => `${path}: a repository without files of its own`));
  const tree = isAsWanted ? written : await writeTree();

  if (!(await hasObject(mirror, tree, 'tree'))) {
    const source = {
      args: ['pack-objects', '--revs', '--thin', '--stdout', '-q', '--delta-base-offset'],
      options: { ...call, input: `${tree}\n^${await treeOf(mirror, head)}\n` },
    };
    await importPack(mirror, source, [tree], { maxBytes: options.limits?.maxImportBytes, signal });
  }
  await openStage(copy.path, copy.user);
  return { tree, skipped: skipped.slice(0, MAX_SKIPPED) };
}

/** The paths, each ended by NUL, that the agent has staged although they are ignored; only its own index knows of them. */
async function stagedIgnored(copy: WorkingCopy, call: GitOptions): Promise<string> {
  const own: GitOptions = { ...call, indexFile: join(copy.path, '.git', 'index'), okCodes: [0, 1, 128] };
  const listed = await git(['ls-files', '--cached', '--ignored', '--exclude-standard', '-z'], own);
  return listed.code === 0 ? listed.stdout : '';
}

async function addForced(paths: string, call: GitOptions): Promise<void> {
  await git(['update-index', '--add', '--remove', '-z', '--stdin'], {
    ...call,
    input: paths,
    okCodes: [0, 1, 128],
  });
}

/**
 * Makes the index hold exactly these gitlinks, marked so that no command looks into them: `add` and `status` would run
 * git inside a submodule, with that submodule's configuration.
 * @param present those that it holds, with their ids
 * @returns the gitlinks that were taken out
 */
async function settleGitlinks(wanted: Gitlinks, present: Gitlinks, call: GitOptions): Promise<string[]> {
  const extra = [...present.keys()].filter((path) => !wanted.has(path));
  const missing = [...wanted].filter(([path, id]) => present.get(path) !== id);
  if (extra.length > 0) await updateIndex(['--force-remove'], extra, call);
  if (missing.length > 0) {
    const lines = missing.map(([path, id]) => `160000 ${id}\t${path}\0`).join('');
    await git(['update-index', '--add', '--replace', '-z', '--index-info'], { ...call, input: lines });
  }
  if (wanted.size > 0) await updateIndex(['--skip-worktree'], [...wanted.keys()], call);
  return extra;
}

/** The commits of repositories within, by path. */
type Gitlinks = ReadonlyMap<string, string>;

const UNTRACKED = ['--others', '--exclude-standard'];

/**
 * Of the index its gitlinks, and what else is marked so that no command looks at it; with `UNTRACKED` also the files that
 * it does not hold, a directory that is a repository with a `/` at its end.
 */
async function entries(
  call: GitOptions,
  more: readonly string[] = [],
): Promise<{ gitlinks: Gitlinks; hidden: string[]; untracked: string[] }> {
  const listed = await git(['ls-files', '-t', '--stage', ...more, '-z'], call);
  const gitlinks = new Map<string, string>();
  const hidden: string[] = [];
  const untracked: string[] = [];
  for (const entry of listed.stdout.split('\0')) {
    if (entry.startsWith('? ')) untracked.push(entry.slice(2));
    const [, tag, mode, id = '', path = ''] = /^(\w) (\d+) ([0-9a-f]+) \d\t(.*)$/s.exec(entry) ?? [];
    if (mode === '160000') gitlinks.set(path, id);
    else if (tag === 'S') hidden.push(path);
  }
  return { gitlinks, hidden, untracked };
}

async function updateIndex(
  options: readonly string[],
  paths: readonly string[],
  call: GitOptions,
): Promise<void> {
  await git(['update-index', ...options, '-z', '--stdin'], {
    ...call,
    input: paths.map((path) => `${path}\0`).join(''),
  });
}

/**
 * `add` makes a gitlink of a repository inside the copy and so loses its files, unless the index already has one of
 * them: then it is a directory like any other.
 */
async function seedNestedRepositories(
  root: string,
  untracked: readonly string[],
  call: GitOptions,
): Promise<void> {
  const seen = new Set<string>();
  let found = untracked;
  for (let round = 0; round < NESTED_ROUNDS; round += 1) {
    const nested = found.filter((path) => path.endsWith('/') && !seen.has(path));
    if (nested.length === 0) return;
    for (const path of nested) {
      seen.add(path);
      const files = await someFiles(root, path);
      if (files.length === 0) continue;
      const ignored = await ignoredPaths(call, files).catch((error: unknown) => {
        if (error instanceof GitError) return new Set<string>();
        throw error;
      });
      const seed = files.find((file) => !ignored.has(file));
      if (seed === undefined) continue;
      await git(['update-index', '--add', '-z', '--stdin'], {
        ...call,
        input: `${seed}\0`,
        okCodes: [0, 128],
      });
    }
    found = (await entries(call, UNTRACKED)).untracked;
  }
}

/** Up to 200 files below a directory of the copy, itself a repository; no link is followed. */
async function someFiles(root: string, start: string): Promise<string[]> {
  const files: string[] = [];
  const queue = [start];
  for (let visited = 0; queue.length > 0 && files.length < 200 && visited < 1000; visited += 1) {
    const dir = queue.shift() ?? '';
    const entries: Dirent[] = await readdir(join(root, dir), { withFileTypes: true }).catch(() => []);
    if (dir !== start && entries.some((entry) => entry.name === '.git')) continue;
    for (const entry of entries) {
      if (entry.name.toLowerCase() === '.git') continue;
      if (entry.isDirectory()) queue.push(`${dir}${entry.name}/`);
      else if (entry.isFile() || entry.isSymbolicLink()) files.push(`${dir}${entry.name}`);
    }
  }
  return files;
}

function complaints(stderr: string): string[] {
  const lines = stderr.split('\n').filter((line) => /^(?:error|fatal|warning): /.test(line));
  return lines
    .filter((line) => !line.includes('adding files failed'))
    .map((line) => line.replace(/^\w+: /, ''));
}
