import { ForbiddenPathError } from './errors.ts';
import { openInside } from './inside.ts';
import type { WorkingCopy } from './working-copy.ts';

export interface CopyFile {
  exists: boolean;
  /** At most `limitBytes` of it, as bytes. */
  content: Buffer;
  /** Bytes of the whole file. */
  size: number;
  truncated: boolean;
}

export const MISSING: CopyFile = { exists: false, content: Buffer.alloc(0), size: 0, truncated: false };

/**
 * Reads a regular file of a working copy. A link that stays inside the copy is followed.
 * @param options.path relative, with `/`
 * @param options.limitBytes default 1 MiB
 * @throws ForbiddenPathError for a path that leaves the copy by any trick, lies in `.git`, or is no regular file
 */
export async function readCopyFile(options: {
  copy: Pick<WorkingCopy, 'path' | 'user'>;
  path: string;
  limitBytes?: number | undefined;
}): Promise<CopyFile> {
  const { copy, path, limitBytes = 1024 * 1024 } = options;
  const opened = await openInside(copy.path, path, copy.user);
  if (opened === null) return MISSING;
  const { handle, stats } = opened;
  try {
    if (!stats.isFile()) throw new ForbiddenPathError(path, 'it is not a regular file');
    const buffer = Buffer.alloc(Math.min(stats.size, limitBytes));
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    const truncated = stats.size > limitBytes;
    return { exists: true, content: buffer.subarray(0, filled), size: stats.size, truncated };
  } finally {
    await handle.close();
  }
}
