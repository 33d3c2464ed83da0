import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readlink, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { ForbiddenPathError } from './errors.ts';
import type { WorkingCopy } from './working-copy.ts';

export interface CopyFile {
  exists: boolean;
  /** At most `limitBytes` of it, as bytes. */
  content: Buffer;
  /** Bytes of the whole file. */
  size: number;
  truncated: boolean;
}

const MISSING: CopyFile = { exists: false, content: Buffer.alloc(0), size: 0, truncated: false };

/**
 * Reads a regular file of a working copy. A link that stays inside the copy is followed.
 * @param options.path relative, with `/`
 * @param options.limitBytes default 1 MiB
 * @throws ForbiddenPathError for a path that leaves the copy by any trick, lies in `.git`, or is no regular file
 */
export async function readCopyFile(options: {
  copy: Pick<WorkingCopy, 'path'>;
  path: string;
  limitBytes?: number | undefined;
}): Promise<CopyFile> {
  const { path, limitBytes = 1024 * 1024 } = options;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (path.includes('\0')) throw new ForbiddenPathError(path, 'it contains a NUL');
  if (path.startsWith('/')) throw new ForbiddenPathError(path, 'it is absolute');
  if (parts.length === 0) throw new ForbiddenPathError(path, 'it names no file');
  if (parts.includes('..')) throw new ForbiddenPathError(path, 'it contains ..');

  const root = await realpath(options.copy.path);
  const inside = (real: string) => {
    const below = real.startsWith(root + sep) ? real.slice(root.length + 1).split(sep) : null;
    if (!below) throw new ForbiddenPathError(path, 'it leads out of the working copy');
    if (below.some((part) => part.toLowerCase() === '.git'))
      throw new ForbiddenPathError(path, 'it lies in .git');
  };
  inside(join(root, ...parts));
  const real = await resolve(root, parts, path);
  if (real === null) return MISSING;
  inside(real);

  // The path could change between the look and the opening: what counts is where the opened file is.
  const handle = await openFile(real, path);
  if (handle === null) return MISSING;
  try {
    inside(await placeOf(handle, real, path));
    const stats = await handle.stat();
    if (!stats.isFile()) throw new ForbiddenPathError(path, 'it is not a regular file');
    const buffer = Buffer.alloc(Math.min(stats.size, limitBytes));
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return {
      exists: true,
      content: buffer.subarray(0, filled),
      size: stats.size,
      truncated: stats.size > limitBytes,
    };
  } finally {
    await handle.close();
  }
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
