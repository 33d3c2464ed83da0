import type { Doorbell } from '../platform/doorbell.ts';

/** A lost ring delays a source that listens to the doorbell by at most this much. Milliseconds. */
const POLL_MS = 3_000;

/** Wakes at each ring of the topic, and now and then in case a ring was lost. Returns how to stop. */
export function listenTo(doorbell: Doorbell, topic: string, wake: () => void): () => void {
  const stop = doorbell.onRing(topic, wake);
  const poll = setInterval(wake, POLL_MS);
  poll.unref();
  return () => {
    stop();
    clearInterval(poll);
  };
}

export interface SourceDefinition<T> {
  /** Registers `wake` for when there may be something to read. Returns how to stop. */
  readonly listen: (wake: () => void) => () => void;
  /** The next items, in order; empty when there is nothing now. It may throw: the subscription ends with the error. */
  readonly read: () => Promise<readonly T[]> | readonly T[];
  /** Whether reading again could give something although nobody woke us. Without it what gave something is read again. */
  readonly more?: () => boolean;
  /** Called once, at the end for whatever reason. */
  readonly close?: () => void;
}

/**
 * A subscription's source. A plain iterator on purpose: `return()` ends a pending `next()` at once and lets go of every
 * listener, where the `finally` of an async generator over a quiet source would never run.
 */
export class Source<T> implements AsyncIterableIterator<T> {
  readonly #definition: SourceDefinition<T>;
  readonly #stopListening: () => void;
  #items: readonly T[] = [];
  #index = 0;
  /** Whether there may be something that was not read yet. */
  #due = true;
  #resume: (() => void) | undefined;
  #closed = false;

  constructor(definition: SourceDefinition<T>) {
    this.#definition = definition;
    this.#stopListening = definition.listen(() => this.#wake());
  }

  #wake(): void {
    this.#due = true;
    this.#resume?.();
  }

  async next(): Promise<IteratorResult<T>> {
    while (!this.#closed) {
      if (this.#index < this.#items.length) return { done: false, value: this.#items[this.#index++] as T };
      if (!this.#due && !this.#definition.more?.()) {
        await new Promise<void>((resolve) => {
          this.#resume = resolve;
        });
        this.#resume = undefined;
        continue;
      }
      this.#due = false;
      try {
        this.#items = await this.#definition.read();
        this.#index = 0;
        // Who cannot tell whether that was all is asked again.
        if (this.#items.length > 0 && !this.#definition.more) this.#due = true;
      } catch (error) {
        if (this.#closed) break;
        this.#close();
        throw error;
      }
    }
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<T>> {
    this.#close();
    return Promise.resolve({ done: true, value: undefined });
  }

  throw(error: unknown): Promise<IteratorResult<T>> {
    this.#close();
    return Promise.reject(error);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopListening();
    this.#items = [];
    this.#definition.close?.();
    this.#resume?.();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
