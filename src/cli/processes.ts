import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { SELF } from './package.ts';

/** With this option a process stops when its stdin ends, and so never outlives who started it. */
export const WITH_PARENT = '--with-parent';

export interface Child {
  readonly name: string;
  /** Resolves when it has ended, with how it did, in words. */
  readonly ended: Promise<string>;
  /** Asks it to stop, waits, and kills it when it has not after 15 s. */
  stop(): Promise<void>;
}

const GRACE_MS = 15_000;
const SAME_REQUEST_MS = 1_000;

/**
 * Starts another `taskmesh` command. It gets a process group of its own, so that a Ctrl-C at the terminal reaches
 * only this process, which then stops what it started in order.
 * @param logFile takes its output; null: it goes where ours goes
 */
export function startChild(
  args: readonly string[],
  options: { name: string; logFile: string | null; env?: Readonly<Record<string, string>> },
): Child {
  const log = options.logFile === null ? 'inherit' : openSync(options.logFile, 'a', 0o600);
  const child = spawn(SELF.execPath, [SELF.entry, ...args, WITH_PARENT], {
    stdio: ['pipe', log, log],
    detached: true,
    ...(options.env ? { env: options.env } : {}),
  });
  if (typeof log === 'number') closeSync(log);
  child.stdin?.on('error', () => undefined);
  const ended = endOf(child);
  return {
    name: options.name,
    ended,
    async stop() {
      const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
      child.kill('SIGTERM');
      await ended;
      clearTimeout(timer);
    },
  };
}

async function endOf(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    return signal ? `was ended by ${signal}` : `ended with code ${code}`;
  } catch (error) {
    return `could not be started: ${(error as Error).message}`;
  }
}

/**
 * Aborts at the first Ctrl-C or request to terminate, or, `withParent`, when stdin ends. A second Ctrl-C ends the
 * process at once.
 */
export function stopRequest(withParent = false): { signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  let requestedAt = 0;
  const request = () => {
    // One Ctrl-C may arrive twice: from the terminal, and from a launcher that passes it on.
    if (controller.signal.aborted && performance.now() - requestedAt > SAME_REQUEST_MS) process.exit(130);
    requestedAt ||= performance.now();
    controller.abort();
  };
  const parentGone = () => controller.abort();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, request);
  if (withParent) process.stdin.on('end', parentGone).on('error', parentGone).resume();
  return {
    signal: controller.signal,
    dispose() {
      for (const signal of signals) process.off(signal, request);
      if (withParent) process.stdin.off('end', parentGone).off('error', parentGone).destroy();
    },
  };
}

/** How long what is still open may keep a process that is done. Milliseconds. */
const LINGER_MS = 500;

/** Ends the process soon, also when a connection that nobody answers on would keep it. */
export function endSoon(): void {
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

/** Resolves when the signal is aborted. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
