import type { Runtime } from './runtime.ts';

/**
 * Gives what was just committed, by an id, to those in this process who would read it otherwise. It is a shortcut and no
 * promise: others are connected elsewhere, so whoever takes it is woken by the doorbell too, and reads what it was not given.
 */
export class Direct<I extends string, V> {
  readonly #takers = new WeakMap<Runtime, Map<I, Set<(value: V) => void>>>();

  /** @returns how to stop */
  onGiven(runtime: Runtime, id: I, take: (value: V) => void): () => void {
    const byId = this.#takers.get(runtime) ?? new Map<I, Set<(value: V) => void>>();
    this.#takers.set(runtime, byId);
    const takers = byId.get(id) ?? new Set();
    byId.set(id, takers);
    takers.add(take);
    return () => {
      takers.delete(take);
      if (takers.size === 0 && byId.get(id) === takers) byId.delete(id);
    };
  }

  give(runtime: Runtime, id: I, value: V): void {
    for (const take of this.#takers.get(runtime)?.get(id) ?? []) take(value);
  }
}
