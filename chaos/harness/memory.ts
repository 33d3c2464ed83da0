import { readFileSync } from 'node:fs';
import { onEnd } from '../../test/support/cleanup.ts';

const OFTEN_MS = 50;
const MEGABYTE = 1_024 * 1_024;

/** The resident memory of a process, in MiB. */
export function memoryOf(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kilobytes) * 1_024) / MEGABYTE;
}

/** Looks at a process again and again, and remembers the most that it held. */
export class MemoryWatch {
  peak: number;
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number) {
    this.peak = memoryOf(pid);
    this.#timer = setInterval(() => {
      try {
        this.peak = Math.max(this.peak, memoryOf(pid));
      } catch {
        this.stop();
      }
    }, OFTEN_MS);
    onEnd(() => this.stop());
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
