import { type FileHandle, lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CopyTarget, InTheWayError } from './copy-target.ts';
import { ForbiddenPathError } from './git/errors.ts';
import { namesIn, type Opened, openInside, partsOf } from './git/inside.ts';
import { keepOut } from './git/keep-out.ts';
import { findCommit, type Mirror } from './git/mirror.ts';
import { worktreeRefs } from './git/objects.ts';
import { holdsPath } from './git/read-commit.ts';
import type { GitUser } from './git/user.ts';
import type { WorkingCopy } from './git/working-copy.ts';

/*
 * Files that a task needs and git does not have (a `.env`, say) are copied into its working copy when that is made.
 * Nobody works in the copy yet: what is there is git's, or of an earlier try to make it.
 */

/** Told what a person should know of the preparation of a task. */
export type Note = (text: string) => Promise<void>;

export interface CopyFilesOptions {
  readonly mirror: Mirror;
  readonly copy: WorkingCopy;
  /** Files and directories, relative to the root of the repository. */
  readonly paths: readonly string[];
  /** The repository's own directory on this machine; null: it has none. */
  readonly checkout: string | null;
  /** Where what the checkout does not have is looked for: another working copy. */
  readonly other: string | undefined;
  readonly note: Note;
  readonly signal: AbortSignal;
}

/** Most bytes and files that are copied for one task. */
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_FILES = 10_000;
const CHUNK_BYTES = 1024 * 1024;
const MAX_LINES = 20;

/** Copies what is there. What is not, or must not be copied, is noted and stops nothing. */
export async function copyFiles(options: CopyFilesOptions): Promise<void> {
  const { mirror, copy, checkout, other, note } = options;
  const roots: Root[] = [];
  // A bare repository has no files of the work: what lies in its directory is git's own.
  if (checkout !== null && (await exists(join(checkout, '.git'))))
    roots.push({ dir: checkout, reader: undefined });
  if (other !== undefined) roots.push({ dir: other, reader: copy.user });
  const copying = new Copying(options);
  for (const path of options.paths) {
    const problems = await copying.copy(roots, path);
    if (problems.length > MAX_LINES)
      problems.splice(MAX_LINES, Infinity, `and ${problems.length - MAX_LINES} more`);
    if (problems.length > 0) await note(`Not copied into the working copy: ${problems.join('; ')}`);
  }
  await keepOut(mirror, copy, copying.copied);
}

/** A directory that is copied from. */
interface Root {
  readonly dir: string;
  /** Whose it is, where that is not the daemon's user. */
  readonly reader: GitUser | undefined;
}

/** Why one path is not copied. */
class NotCopied extends Error {}

class Copying {
  readonly copied: string[] = [];
  readonly #options: CopyFilesOptions;
  readonly #target: CopyTarget;
  #bytesLeft = MAX_BYTES;
  #isFull = false;

  constructor(options: CopyFilesOptions) {
    this.#options = options;
    this.#target = new CopyTarget(options.copy.path, options.copy.user);
  }

  /** @returns what was not copied, and why */
  async copy(roots: readonly Root[], path: string): Promise<string[]> {
    try {
      const clean = partsOf(path).join('/');
      for (const root of roots) {
        const opened = await openInside(root.dir, clean, root.reader);
        if (opened) return await this.#take(root, clean, opened);
      }
      return [
        `${path} (it is neither in the repository's checkout nor in the supervisor's working copy here)`,
      ];
    } catch (error) {
      return [reasonOf(error, path)];
    }
  }

  async #take(root: Root, path: string, opened: Opened): Promise<string[]> {
    this.#options.signal.throwIfAborted();
    const { handle, stats } = opened;
    const mode = stats.mode & 0o777;
    try {
      if (stats.isFile()) {
        await this.#takeFile(path, handle, mode);
        return [];
      }
      if (!stats.isDirectory()) throw new ForbiddenPathError(path, 'it is not a regular file');
      await this.#target.makeDirectory(path);
      const names = await namesIn(opened);
      const problems: string[] = [];
      for (const name of names) {
        problems.push(...(await this.#takeEntry(root, `${path}/${name}`)));
        if (this.#isFull) break;
      }
      // Last: a directory that may not be written to could not be filled.
      await this.#target.setMode(path, mode | 0o700);
      return problems;
    } finally {
      await handle.close();
    }
  }

  async #takeEntry(root: Root, path: string): Promise<string[]> {
    try {
      const isLink = (await lstat(join(root.dir, path))).isSymbolicLink();
      const opened = await openInside(root.dir, path, root.reader);
      if (opened === null) return [];
      if (!isLink || opened.stats.isFile()) return await this.#take(root, path, opened);
      await opened.handle.close();
      // It could lead to where it lies, and so on for ever.
      return [`${path} (it is a link to a directory)`];
    } catch (error) {
      return [reasonOf(error, path)];
    }
  }

  async #takeFile(path: string, source: FileHandle, mode: number): Promise<void> {
    if (this.copied.length >= MAX_FILES) this.#refuse(`more than ${MAX_FILES} files`);
    const parent = dirname(path);
    if (parent !== '.') await this.#target.makeDirectory(parent);
    const target = await this.#create(path);
    try {
      await this.#pour(source, target);
      await target.chmod(mode);
    } catch (error) {
      await this.#target.remove(path);
      throw error;
    } finally {
      await target.close();
    }
    this.copied.push(path);
  }

  async #pour(source: FileHandle, target: FileHandle): Promise<void> {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    for (let at = 0; ; ) {
      const { bytesRead } = await source.read(buffer, 0, CHUNK_BYTES, at);
      if (bytesRead === 0) return;
      this.#bytesLeft -= bytesRead;
      if (this.#bytesLeft < 0) this.#refuse(`more than ${MAX_BYTES / 1024 / 1024} MiB together`);
      await target.write(buffer, 0, bytesRead);
      at += bytesRead;
    }
  }

  /** It would be more than one task is given: what else there is in a directory is not looked at. */
  #refuse(reason: string): never {
    this.#isFull = true;
    throw new NotCopied(reason);
  }

  /** A new file: nothing that git put there is written over, and no link is followed. */
  async #create(path: string): Promise<FileHandle> {
    const { mirror, copy } = this.#options;
    try {
      return await this.#target.create(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const head = await findCommit(mirror, worktreeRefs(copy.worktreeId).head);
      if (head === null || (await holdsPath(mirror, head, path)))
        throw new NotCopied('git has put one there, which stays');
      await this.#target.remove(path);
      return this.#target.create(path);
    }
  }
}

function reasonOf(error: unknown, path: string): string {
  if (error instanceof ForbiddenPathError) return `${path} (${error.reason})`;
  if (error instanceof InTheWayError) return `${path} (git has put something else in its way)`;
  if (error instanceof NotCopied) return `${path} (${error.message})`;
  const { code, errno } = error as NodeJS.ErrnoException;
  // What the file system refuses: no permission, a name that is too long, a full disk.
  if (errno === undefined) throw error;
  return `${path} (${code})`;
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null)) !== null;
}
