import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A disk of a few bytes, to be filled; null where this user may not mount one. */
export function smallDisk(bytes: number): { directory: string; remove: () => void } | null {
  const directory = mkdtempSync(join(tmpdir(), 'taskmesh-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', directory], { stdio: 'ignore' });
  } catch {
    rmdirSync(directory);
    return null;
  }
  const remove = () => {
    execFileSync('umount', ['-l', directory]);
    rmdirSync(directory);
  };
  return { directory, remove };
}
