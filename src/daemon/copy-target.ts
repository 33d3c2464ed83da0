import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { GitUser } from './git/user.ts';

/** Something else is where a directory should be. */
export class InTheWayError extends Error {
  override readonly name = 'InTheWayError';
}

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Makes files in a working copy. Every directory on the way is opened, one from the other, and is a real one: git may have
 * put a link there that leads elsewhere, and where agents have a user of their own one of them might, at any moment. What
 * is made is that user's, and is made in directories of that user only, so that root never does what the user could not.
 */
export class CopyTarget {
  readonly #root: string;
  readonly #user: GitUser | undefined;

  constructor(root: string, user: GitUser | undefined) {
    this.#root = root;
    this.#user = user;
  }

  /** Makes a directory, and those above it. @throws InTheWayError */
  async makeDirectory(path: string): Promise<void> {
    await this.#within(path, true, async () => undefined);
  }

  /** @throws InTheWayError */
  async setMode(directory: string, mode: number): Promise<void> {
    await this.#within(directory, false, (handle) => handle.chmod(mode));
  }

  /** A new file: nothing that is there is written over, and no link is followed (EEXIST). @throws InTheWayError */
  async create(path: string): Promise<FileHandle> {
    return this.#within(dirname(path), false, async (_, at) => {
      const file = await open(at(basename(path)), NEW_FILE, 0o600);
      if (this.#user) await file.chown(this.#user.uid, this.#user.gid);
      return file;
    });
  }

  /** @throws InTheWayError */
  async remove(file: string): Promise<void> {
    await this.#within(dirname(file), false, (_, at) => rm(at(basename(file)), { force: true }));
  }

  /** Does something in a directory of the copy; `at` names what is in it, whatever its path leads to by now. */
  async #within<T>(
    path: string,
    make: boolean,
    act: (handle: FileHandle, at: (name: string) => string) => Promise<T>,
  ): Promise<T> {
    const parts = path === '.' ? [] : path.split('/');
    let handle = await this.#open(this.#root, false);
    try {
      let dir = this.#root;
      for (const part of parts) {
        const next = placeIn(handle, dir)(part);
        const isMade = make && (await makeUnlessThere(next));
        const opened = await this.#open(next, isMade);
        await handle.close();
        handle = opened;
        dir = join(dir, part);
      }
      return await act(handle, placeIn(handle, dir));
    } finally {
      await handle.close();
    }
  }

  async #open(path: string, isMade: boolean): Promise<FileHandle> {
    const handle = await open(path, DIRECTORY).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOTDIR' || error.code === 'ELOOP') throw new InTheWayError();
      throw error;
    });
    try {
      const { uid } = await handle.stat();
      if (this.#user && isMade && uid === 0) await handle.chown(this.#user.uid, this.#user.gid);
      else if (this.#user && uid !== this.#user.uid) throw new InTheWayError();
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }
}

async function makeUnlessThere(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o755 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

/** By the handle where the system has that. */
function placeIn(handle: FileHandle, path: string): (name: string) => string {
  return (name) => (process.platform === 'linux' ? `/proc/self/fd/${handle.fd}/${name}` : join(path, name));
}
