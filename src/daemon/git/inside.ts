import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, readdir, readlink, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { ForbiddenPathError } from './errors.ts';
import { type GitUser, permits } from './user.ts';

/** A file or directory that was found inside a root: what counts is where the opened one is. */
export interface Opened {
  readonly handle: FileHandle;
  readonly stats: Stats;
  /** Its real path when it was opened. */
  readonly real: string;
}

/**
 * The parts of a relative path.
 * @throws ForbiddenPathError for one that says by itself that it leads out, or into `.git`
 */
export function partsOf(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (path.includes('\0')) throw new ForbiddenPathError(path, 'it contains a NUL');
  if (path.startsWith('/')) throw new ForbiddenPathError(path, 'it is absolute');
  if (parts.length === 0) throw new ForbiddenPathError(path, 'it names no file');
  if (parts.includes('..')) throw new ForbiddenPathError(path, 'it contains ..');
  if (parts.some(isGitName)) throw new ForbiddenPathError(path, 'it lies in .git');
  return parts;
}

/**
 * Opens what a path leads to. A link that stays inside the root is followed. It may be anything: look at `stats`.
 * @param reader whose directory it is, where that is not the daemon's user: what they may not read is not opened for
 * them, say a file of root's that they have made a hard link to
 * @returns null when there is no such thing; else its handle is to be closed
 * @throws ForbiddenPathError for a path that leaves the root by any trick, or lies in `.git`
 */
export async function openInside(
  directory: string,
  path: string,
  reader?: GitUser | undefined,
): Promise<Opened | null> {
  const parts = partsOf(path);
  const root = await realpath(directory);
  const inside = (real: string) => {
    const below = real.startsWith(root + sep) ? real.slice(root.length + 1).split(sep) : null;
    if (!below) throw new ForbiddenPathError(path, 'it leads out of the working copy');
    if (below.some(isGitName)) throw new ForbiddenPathError(path, 'it lies in .git');
  };
  const real = await resolve(root, parts, path);
  if (real === null) return null;
  inside(real);

  // The path could change between the look and the opening: what counts is where the opened file is.
  const handle = await openFile(real, path);
  if (handle === null) return null;
  try {
    inside(await placeOf(handle, real, path));
    const stats = await handle.stat();
    if (reader && !permits(stats, reader, 'read'))
      throw new ForbiddenPathError(path, "the agents' user may not read it");
    return { handle, stats, real };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The names in an opened directory, sorted. */
export async function namesIn({ handle, real }: Opened): Promise<string[]> {
  // By the handle where the system has that: the directory itself, whatever its path leads to by now.
  const at = process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : real;
  return (await readdir(at)).sort();
}

function isGitName(part: string): boolean {
  return part.toLowerCase() === '.git';
}

async function resolve(root: string, parts: readonly string[], path: string): Promise<string | null> {
  try {
    return await realpath(join(root, ...parts));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ELOOP') throw new ForbiddenPathError(path, 'its links go in a circle');
    if (code === 'ENAMETOOLONG') return null;
    if (code === 'EACCES') throw new ForbiddenPathError(path, 'the daemon may not read it');
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
  }
  // Whether a link's target outside exists is nobody's business either, so any dangling link is refused.
  for (let depth = 1; depth <= parts.length; depth += 1) {
    const stats = await lstat(join(root, ...parts.slice(0, depth))).catch(() => null);
    if (!stats) return null;
    if (stats.isSymbolicLink()) throw new ForbiddenPathError(path, 'it is a link that leads nowhere');
  }
  return null;
}

async function openFile(real: string, path: string): Promise<FileHandle | null> {
  try {
    // Without O_NONBLOCK the opening of a FIFO waits for a writer for ever.
    return await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    if (code === 'ELOOP') throw new ForbiddenPathError(path, 'it was replaced by a link');
    if (code === 'ENXIO') throw new ForbiddenPathError(path, 'it is not a regular file');
    if (code === 'EACCES') throw new ForbiddenPathError(path, 'the daemon may not read it');
    throw error;
  }
}

async function placeOf(handle: FileHandle, real: string, path: string): Promise<string> {
  if (process.platform === 'linux') return readlink(`/proc/self/fd/${handle.fd}`);
  const [opened, named] = await Promise.all([handle.stat(), lstat(real).catch(() => null)]);
  const same = named?.ino === opened.ino && named.dev === opened.dev && (await realpath(real)) === real;
  if (!same) throw new ForbiddenPathError(path, 'it was replaced while it was opened');
  return real;
}
