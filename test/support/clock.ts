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

/** A clock that stands still: nothing is ever late, and nothing happens by itself. */
export class StillClock implements Clock {
  readonly #now = new Date();

  now(): Date {
    return new Date(this.#now);
  }

  uptimeMs(): number {
    return 0;
  }
}
