import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

/** A directory that goes away with the test. */
export function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), 'taskmesh-daemon-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Waits until it is true, or fails. Milliseconds. */
export async function until(what: string, isTrue: () => boolean, withinMs = 10_000): Promise<void> {
  for (const giveUp = Date.now() + withinMs; !isTrue(); await delay(20)) {
    if (Date.now() > giveUp) throw new Error(`Not within ${withinMs} ms: ${what}`);
  }
}

/** Live processes whose command line or environment contains the text. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      if (!Number.isInteger(pid) || pid === process.pid) return false;
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        if (stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')) return false;
        return ['cmdline', 'environ'].some((file) =>
          readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(text),
        );
      } catch {
        return false;
      }
    });
}

export const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
