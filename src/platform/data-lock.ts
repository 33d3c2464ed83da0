import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DomainError } from './errors.ts';

/**
 * Keeps a second process out of the embedded database: it has no lock of its own, and two writers silently lose
 * rows. The lock is a file beside the directory holding a process id. One whose process is gone is taken over; one
 * of a live process never.
 * @returns how to release it
 * @throws DomainError INVALID_INPUT naming the process that holds it
 */
export function lockDataDirectory(lockFile: string): () => void {
  mkdirSync(dirname(lockFile), { recursive: true, mode: 0o700 });
  const mine = `${process.pid} ${startTime(process.pid) ?? ''}`.trim();
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      writeFileSync(lockFile, mine, { flag: 'wx', mode: 0o600 });
      return () => rmSync(lockFile, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = readHolder(lockFile);
    if (holder !== null && isAlive(holder.pid, holder.startTime)) {
      throw new DomainError(
        'INVALID_INPUT',
        `The data directory is in use by process ${holder.pid} (${lockFile}). Stop it, or choose another directory with --data-dir.`,
        { field: 'dataDir', extensions: { pid: holder.pid } },
      );
    }
    rmSync(lockFile, { force: true });
  }
  throw new DomainError('INVALID_INPUT', `The lock ${lockFile} is contended. Try again.`, {
    field: 'dataDir',
  });
}

function readHolder(lockFile: string): { pid: number; startTime: string | undefined } | null {
  try {
    const [pid, startedAt] = readFileSync(lockFile, 'utf8').trim().split(' ');
    return Number(pid) > 0 ? { pid: Number(pid), startTime: startedAt } : null;
  } catch {
    return null;
  }
}

function isAlive(pid: number, recordedStart: string | undefined): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  // A process id is used again after a reboot; the start time tells the two apart where the system has it.
  const actual = startTime(pid);
  return !recordedStart || !actual || recordedStart === actual;
}

/** Field 22 of /proc/PID/stat, in clock ticks since boot (Linux only). */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
