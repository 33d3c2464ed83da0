import type { Doorbell, OnRing } from '../../src/platform/doorbell.ts';

/** Numbers from 0 up to 1 that the seed decides (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A doorbell that loses some of its rings, once it is told to. */
export class LossyDoorbell implements Doorbell {
  /** The part that is lost. */
  static loss = 0;
  static random: () => number = Math.random;
  readonly #inner: Doorbell;

  constructor(inner: Doorbell) {
    this.#inner = inner;
  }

  get listeners(): number {
    return this.#inner.listeners;
  }

  ring(topics: Iterable<string>): void {
    this.#inner.ring([...topics].filter(() => LossyDoorbell.random() >= LossyDoorbell.loss));
  }

  onRing(topic: string, callback: OnRing): () => void {
    return this.#inner.onRing(topic, (about) => {
      if (LossyDoorbell.random() >= LossyDoorbell.loss) callback(about);
    });
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
