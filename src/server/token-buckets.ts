import type { Rate } from './limits.ts';

interface Bucket {
  tokens: number;
  /** When it was last filled up. Seconds. */
  at: number;
}

/** Keys that are remembered at most; beyond it those are forgotten that are full, as all are after a quiet time. */
const MAX_KEYS = 10_000;

/** How often each of many may do something: a bucket for each that fills at a steady rate and holds so much. */
export class TokenBuckets {
  readonly #rate: Rate;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Takes one. @returns 0, or in how many whole seconds there is one again */
  take(key: string): number {
    const bucket = this.#filled(key);
    if (bucket.tokens < 1) return Math.max(1, Math.ceil((1 - bucket.tokens) / this.#rate.perSecond));
    bucket.tokens -= 1;
    return 0;
  }

  /** Whether one could be taken. */
  has(key: string): boolean {
    return !this.#buckets.has(key) || this.#filled(key).tokens >= 1;
  }

  #filled(key: string): Bucket {
    const { perSecond, burst } = this.#rate;
    const now = performance.now() / 1_000;
    let bucket = this.#buckets.get(key);
    if (!bucket) {
      if (this.#buckets.size >= MAX_KEYS) this.#forgetFull(now);
      bucket = { tokens: burst, at: now };
      this.#buckets.set(key, bucket);
    }
    bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.at) * perSecond);
    bucket.at = now;
    return bucket;
  }

  #forgetFull(now: number): void {
    const { perSecond, burst } = this.#rate;
    for (const [key, bucket] of this.#buckets)
      if (bucket.tokens + (now - bucket.at) * perSecond >= burst) this.#buckets.delete(key);
    // Ten thousand who are all busy: the oldest go, and begin anew with a full bucket.
    for (const key of this.#buckets.keys()) {
      if (this.#buckets.size < MAX_KEYS) break;
      this.#buckets.delete(key);
    }
  }
}

/** How many of something each of many has at the same time. */
export class Slots {
  readonly #taken = new Map<string, number>();

  /** @returns how to give it back, once; null when there is none left */
  take(key: string, limit: number): (() => void) | null {
    const taken = this.#taken.get(key) ?? 0;
    if (taken >= limit) return null;
    this.#taken.set(key, taken + 1);
    let isGivenBack = false;
    return () => {
      if (isGivenBack) return;
      isGivenBack = true;
      const left = (this.#taken.get(key) ?? 1) - 1;
      if (left > 0) this.#taken.set(key, left);
      else this.#taken.delete(key);
    };
  }
}
