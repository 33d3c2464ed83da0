import type { Clock } from '../../src/platform/clock.ts';

/** A clock that goes on by itself and can be moved on. */
export class TestClock implements Clock {
  readonly #startedAt = performance.now();
  #ahead = 0;

  now(): Date {
    return new Date(Date.now() + this.#ahead);
  }

  uptimeMs(): number {
    return performance.now() - this.#startedAt + this.#ahead;
  }

  advance(milliseconds: number): void {
    this.#ahead += milliseconds;
  }
}
