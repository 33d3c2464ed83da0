import { appendFile, copyFile, lchown, lstat, mkdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { WorkingCopyBrokenError } from './errors.ts';
import type { Mirror } from './mirror.ts';
import type { GitOptions } from './run.ts';
import { type GitUser, startedAs } from './user.ts';

/*
 * Beside each working copy is a directory of ours: an index of our own, which keeps the stat cache between snapshots,
 * and a place for new objects. Git runs there with the mirror's git directory and the copy's files, as the copy's user.
 * That user can read the mirror but not write to it; the daemon takes the new objects over as a checked stream.
 * So nothing of the copy's own .git has a say in a snapshot.
 */

export interface Stage {
  dir: string;
  indexFile: string;
  objectsDir: string;
}

/** What the name of a stage adds to that of its copy. */
export const STAGE = '.taskmesh';

/** The place of the directory of ours beside a working copy. */
export function stageOf(path: string): Stage {
  const dir = `${path}${STAGE}`;
  return { dir, indexFile: join(dir, 'index'), objectsDir: join(dir, 'objects') };
}

/** Lists, beside what the copy's own .gitignore files say, what snapshots leave out. */
export function excludeFileOf(path: string): string {
  return join(stageOf(path).dir, 'exclude');
}

/** Makes the stage with no new objects in it. */
export async function openStage(path: string, user: GitUser | undefined): Promise<Stage> {
  const stage = stageOf(path);
  await removeTree(stage.objectsDir, user);
  await mkdir(stage.dir, { recursive: true, mode: 0o700 });
  if (user) {
    await lchown(stage.dir, user.uid, user.gid);
    // As the user from here on: in a directory of theirs, what root gives away could be something else by then.
    await execa('mkdir', ['-p', '-m', '700', stage.objectsDir], asUser(user));
  } else {
    await mkdir(stage.objectsDir, { recursive: true, mode: 0o700 });
  }
  await rm(`${stage.indexFile}.lock`, { force: true });
  return stage;
}

/** Options for git on the copy's files with the mirror's configuration and our index. */
export function stagedGit(mirror: Mirror, path: string, stage: Stage, rest: GitOptions): GitOptions {
  return {
    cwd: path,
    gitDir: mirror.dir,
    workTree: path,
    indexFile: stage.indexFile,
    ...rest,
    env: {
      GIT_OBJECT_DIRECTORY: stage.objectsDir,
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'core.excludesFile',
      GIT_CONFIG_VALUE_0: excludeFileOf(path),
      // The list is split at colons; a quoted entry is not.
      GIT_ALTERNATE_OBJECT_DIRECTORIES: `"${join(mirror.dir, 'objects').replace(/["\\]/g, '\\$&')}"`,
    },
  };
}

/** Refuses a working copy whose root was replaced, for instance by a link to a directory elsewhere. */
export async function assertRealDirectory(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (!found) throw new WorkingCopyBrokenError(path, 'does not exist');
  if (!found.isDirectory()) throw new WorkingCopyBrokenError(path, 'is not a directory');
}

/**
 * Deletes a directory tree, also read-only directories in it. Where the copy has a user of its own, what is inside is
 * deleted as that user: a deletion by root could be led elsewhere by a directory that is swapped for a link.
 */
export async function removeTree(path: string, user: GitUser | undefined): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (!found?.isDirectory()) return rm(path, { force: true });
  const options = { ...asUser(user), reject: false };
  if (
    !user &&
    (await rm(path, { recursive: true, force: true }).then(
      () => true,
      () => false,
    ))
  )
    return;
  await execa(
    'find',
    [path, '-mindepth', '1', '-type', 'd', '!', '-perm', '-u+rwx', '-exec', 'chmod', 'u+rwx', '{}', ';'],
    options,
  );
  await execa('find', [path, '-mindepth', '1', '-delete'], options);
  await rmdir(path);
}

/** Adds to a file in a directory of the copy's user, as that user: root could be led to another file by a link. */
export async function appendAs(user: GitUser | undefined, file: string, text: string): Promise<void> {
  if (!user) return appendFile(file, text);
  await execa('tee', ['-a', file], { ...asUser(user), input: text, stdout: 'ignore' });
}

/** Copies a file of the copy's user to another place of theirs, as that user. */
export async function copyAs(user: GitUser | undefined, from: string, to: string): Promise<void> {
  if (!user) return copyFile(from, to);
  await execa('cp', [from, to], asUser(user));
}

function asUser(user: GitUser | undefined) {
  return { cwd: '/', extendEnv: false, env: { PATH: '/usr/bin:/bin' }, ...startedAs(user) };
}
