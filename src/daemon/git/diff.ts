import { sideBySide } from './locks.ts';
import type { Mirror } from './mirror.ts';
import { type Name, names, objectId } from './names.ts';
import { git, gitBytes } from './run.ts';

export type FileStatus = 'ADDED' | 'MODIFIED' | 'DELETED' | 'RENAMED' | 'TYPE_CHANGED' | 'COPIED';

export interface FileChange {
  path: string;
  /** The path before, of a renamed or copied file; null otherwise. */
  oldPath: string | null;
  status: FileStatus;
  /** 0 for a binary file. */
  linesAdded: number;
  linesRemoved: number;
  binary: boolean;
}

export interface Diff {
  /** Unified diff in git's format; binary files are named, not shown. Bytes that are no UTF-8 are replaced. */
  patch: string;
  files: FileChange[];
  linesAdded: number;
  linesRemoved: number;
  /** True when the patch was cut at `maxBytes`. Files and lines are always of all of it. */
  truncated: boolean;
}

const STATUS: Readonly<Record<string, FileStatus>> = {
  A: 'ADDED',
  M: 'MODIFIED',
  D: 'DELETED',
  R: 'RENAMED',
  T: 'TYPE_CHANGED',
  C: 'COPIED',
};

// Only between objects of the mirror: a diff of working files runs git inside nested repositories.
const PLAIN = ['diff-tree', '-r', '-M', '--no-color', '--no-ext-diff', '--no-textconv', '--submodule=short'];

/**
 * What changed from one commit or tree to another.
 * @param options.maxBytes most bytes of patch, default 16 MiB
 * @throws GitError when the mirror does not have one of them
 */
export async function diffCommits(options: {
  mirror: Mirror;
  from: string;
  to: string;
  maxBytes?: number | undefined;
  signal?: AbortSignal | undefined;
}): Promise<Diff> {
  const { mirror, signal, maxBytes = 16 * 1024 * 1024 } = options;
  const ends = [objectId(options.from, 'from'), objectId(options.to, 'to')] as const;
  const args = [...PLAIN, '-p', '--src-prefix=a/', '--dst-prefix=b/', ...names(...ends)];
  const [files, shown] = await sideBySide(
    changedFiles(mirror, ends, signal),
    gitBytes(args, { gitDir: mirror.dir, signal, maxBytes: maxBytes + 1, truncate: true }),
  );
  const truncated = shown.truncated || shown.stdout.length > maxBytes;
  const patch = truncated ? cutText(shown.stdout, maxBytes) : shown.stdout.toString('utf8');
  return { patch, files, ...totals(files), truncated };
}

/** Files and lines changed between two commits or trees. */
export async function countChanges(
  mirror: Mirror,
  from: string,
  to: string,
): Promise<{ filesChanged: number; linesAdded: number; linesRemoved: number }> {
  const files = await changedFiles(mirror, [objectId(from, 'from'), objectId(to, 'to')]);
  return { filesChanged: files.length, ...totals(files) };
}

/** At most so many bytes of UTF-8, without half a character at the end. */
export function cutText(bytes: Buffer, maxBytes: number): string {
  let end = Math.min(bytes.length, maxBytes);
  // A byte 10xxxxxx continues a character: when the cut is before one, go back to where that character starts.
  for (
    let back = 0;
    back < 3 && end > 0 && end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80;
    back += 1
  )
    end -= 1;
  return bytes.subarray(0, end).toString('utf8');
}

async function changedFiles(
  mirror: Mirror,
  ends: readonly [Name, Name],
  signal?: AbortSignal | undefined,
): Promise<FileChange[]> {
  const args = [...PLAIN, '--raw', '--numstat', '-z', '--abbrev=40', ...names(...ends)];
  const fields = (await git(args, { gitDir: mirror.dir, signal })).stdout.split('\0');
  const files = new Map<string, FileChange>();
  let at = 0;
  const next = () => fields[at++] ?? '';
  while (at < fields.length) {
    const field = next();
    if (field.startsWith(':')) {
      const letter = field.split(' ')[4]?.[0] ?? 'M';
      const first = next();
      const moved = letter === 'R' || letter === 'C';
      const path = moved ? next() : first;
      const oldPath = moved ? first : null;
      files.set(path, {
        path,
        oldPath,
        status: STATUS[letter] ?? 'MODIFIED',
        linesAdded: 0,
        linesRemoved: 0,
        binary: false,
      });
      continue;
    }
    const match = /^(-|\d+)\t(-|\d+)\t(.*)$/s.exec(field);
    if (!match) continue;
    // A renamed file's paths follow in fields of their own.
    if (match[3] === '') next();
    const file = files.get(match[3] === '' ? next() : (match[3] ?? ''));
    if (!file) continue;
    file.binary = match[1] === '-';
    file.linesAdded = file.binary ? 0 : Number(match[1]);
    file.linesRemoved = file.binary ? 0 : Number(match[2]);
  }
  return [...files.values()];
}

function totals(files: readonly FileChange[]): { linesAdded: number; linesRemoved: number } {
  return {
    linesAdded: files.reduce((sum, file) => sum + file.linesAdded, 0),
    linesRemoved: files.reduce((sum, file) => sum + file.linesRemoved, 0),
  };
}
