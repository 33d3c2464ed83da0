import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type GitUser, startedAs } from '../git/user.ts';

/*
 * The processes of one run of an agent: those of its process group, and, on Linux, those that left the group
 * (setsid, a daemon of a test suite) but still carry the run's mark in the environment they were started
 * with. Whoever leaves the group and empties its environment escapes; on other systems whoever leaves the
 * group does.
 */

/** An environment variable that every descendant of an agent inherits. */
export const RUN_ID_VARIABLE = 'TASKMESH_RUN_ID';

export interface RunProcesses {
  /** The agent's own process, which leads the group; null: not known. */
  readonly pid: number | null;
  /** Its start time as `startTimeOf` gave it; null: not known. */
  readonly startTime: string | null;
  readonly runId: string;
  /** Whom it runs as; none: the daemon's own user. */
  readonly user?: GitUser | null;
}

/** In clock ticks since boot on Linux, as `ps` says it elsewhere; null when there is no such process. */
export function startTimeOf(pid: number): string | null {
  if (process.platform === 'linux') return readStat(pid)?.startTime ?? null;
  return spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).stdout?.trim() || null;
}

/**
 * What a daemon that is gone left of a run. A leader that is gone, or is another by now, says nothing about
 * its group.
 */
export function leftBehind(run: RunProcesses): RunProcesses {
  const isSame = run.pid !== null && run.startTime !== null && startTimeOf(run.pid) === run.startTime;
  return isSame ? run : { ...run, pid: null, startTime: null };
}

/**
 * SIGTERM to all, SIGKILL after the grace to those left. Resolves when none is left: an agent is never
 * reported as gone while a part of it can still write.
 */
export async function stopProcesses(run: RunProcesses, graceMs: number): Promise<void> {
  const killAt = Date.now() + graceMs;
  let asked = false;
  for (let pause = 20; ; pause = Math.min(pause * 2, 250)) {
    const alive = liveProcesses(run);
    if (alive.length === 0) return;
    const left = killAt - Date.now();
    // Again and again: a process may have been started while the others were counted.
    if (left <= 0) send(run, alive, 'SIGKILL');
    else if (!asked) send(run, alive, 'SIGTERM');
    asked = true;
    await delay(left > 0 ? Math.min(pause, left) : pause);
  }
}

/** Sends a signal to all of them. */
export function signalProcesses(run: RunProcesses, signal: 'SIGSTOP' | 'SIGCONT'): void {
  send(run, liveProcesses(run), signal);
}

/**
 * Whether anything of the run is left. Zombies do not count: a container's first process may never collect
 * them.
 */
export function isAnyAlive(run: RunProcesses): boolean {
  return liveProcesses(run).length > 0;
}

function liveProcesses(run: RunProcesses): number[] {
  if (process.platform !== 'linux')
    return run.pid !== null && isOurGroup(run) && signalGroup(run.pid, 0) ? [run.pid] : [];
  const mark = `${RUN_ID_VARIABLE}=${run.runId}`;
  const found: number[] = [];
  const group = isOurGroup(run) ? run.pid : null;
  const closed: number[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const stat = readStat(pid);
    if (!stat || stat.state === 'Z' || stat.state === 'X') continue;
    const marked = stat.group === group || isMarked(pid, mark);
    if (marked === null) closed.push(pid);
    else if (marked) found.push(pid);
  }
  return run.user && closed.length > 0 ? [...found, ...markedFor(run.user, closed, mark)] : found;
}

/**
 * Those with the mark, as their own user sees it: in most containers root may not read the environment of other users'
 * processes.
 */
function markedFor(user: GitUser, pids: readonly number[], mark: string): number[] {
  const files = pids.map((pid) => `/proc/${pid}/environ`);
  const looked = spawnSync('grep', ['-lzsxF', '-e', mark, ...files], {
    encoding: 'utf8',
    ...startedAs(user),
  });
  return [...(looked.stdout ?? '').matchAll(/^\/proc\/(\d+)\/environ$/gm)].map(([, pid]) => Number(pid));
}

/**
 * A group's id is used again only after all of the group are gone; then its leader has another start time.
 */
function isOurGroup(run: RunProcesses): boolean {
  if (run.pid === null || run.startTime === null) return false;
  const now = startTimeOf(run.pid);
  return now === null || now === run.startTime;
}

function send(run: RunProcesses, alive: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of alive) {
    try {
      process.kill(pid, signal);
      // A stopped process takes nothing but SIGKILL.
      if (signal === 'SIGTERM') process.kill(pid, 'SIGCONT');
    } catch {
      // Gone meanwhile.
    }
  }
  if (run.pid !== null && isOurGroup(run)) signalGroup(run.pid, signal);
}

function signalGroup(pgid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pgid, signal);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** @returns null when it may not be known */
function isMarked(pid: number, mark: string): boolean | null {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(mark);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? null : false;
  }
}

function readStat(pid: number): { state: string; group: number; startTime: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything, also parentheses and spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', group: Number(fields[2]), startTime: fields[19] ?? '' };
  } catch {
    return null;
  }
}
