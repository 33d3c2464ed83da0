import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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
  return acquire(lockFile, lockFile);
}

/**
 * The file appears with its content, so nobody reads one that is half written. Of several that find it stale one may
 * replace it: taking over needs a lock of its own, or the second would remove what the first has just taken.
 */
function acquire(file: string, lockFile: string): () => void {
  const release = () => rmSync(file, { force: true });
  const mine = `${file}.${process.pid}-${randomBytes(4).toString('hex')}`;
  writeFileSync(mine, `${process.pid} ${startTime(process.pid) ?? ''}`.trim(), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      if (createAs(file, mine)) return release;
      if (stateOf(file, lockFile) === 'free') continue;
      const done = acquire(`${file}.takeover`, lockFile);
      try {
        if (stateOf(file, lockFile) === 'free') continue;
        renameSync(mine, file);
        return release;
      } finally {
        done();
      }
    }
  } finally {
    rmSync(mine, { force: true });
  }
  throw new DomainError('INVALID_INPUT', `The lock ${lockFile} is contended. Try again.`, {
    field: 'dataDir',
  });
}

/**
 * Takes nothing: for who would have much to load before it tries.
 * @throws DomainError INVALID_INPUT naming the process that holds it
 */
export function assertUnlocked(lockFile: string): void {
  stateOf(lockFile, lockFile);
}

/** The process that holds the lock, or null when none does. Takes nothing. */
export function lockHolder(lockFile: string): number | null {
  try {
    assertUnlocked(lockFile);
    return null;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return error.extensions.pid as number;
  }
}

/** @returns false when there is one already */
function createAs(file: string, content: string): boolean {
  try {
    linkSync(content, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** @throws DomainError INVALID_INPUT when a live process holds it */
function stateOf(file: string, lockFile: string): 'free' | 'stale' {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'free';
    throw error;
  }
  const [id, startedAt] = text.trim().split(' ');
  const pid = Number(id);
  if (!(pid > 0) || !isAlive(pid, startedAt)) return 'stale';
  throw new DomainError(
    'INVALID_INPUT',
    `The data directory is in use by process ${pid} (${lockFile}). Stop it, or choose another directory with --data-dir.`,
    { field: 'dataDir', extensions: { pid } },
  );
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
