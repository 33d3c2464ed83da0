import type { Clock } from '../../src/platform/clock.ts';

/** A clock that goes on by itself and can be moved on. */
export class TestClock implements Clock {
  #ahead = 0;

  now(): Date {
    return new Date(Date.now() + this.#ahead);
  }

  uptimeMs(): number {
    return performance.now() + this.#ahead;
  }

  advance(milliseconds: number): void {
    this.#ahead += milliseconds;
  }
}
