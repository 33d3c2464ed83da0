export type OnRing = (about: string | null) => void;

/**
 * Tells whoever waits for a topic that there may be something new to read. A ring carries nothing but where to look, and may
 * be lost: the database is the truth, and whoever cares reads it from a position of its own. Ring after commit.
 */
export interface Doorbell {
  ring(topics: Iterable<string>): void;
  /**
   * Calls back on each ring of the topic, and when rings may have been lost. Returns how to stop.
   * @param callback hears about what, of a topic that is listened to without saying about what; null: it may be anything
   */
  onRing(topic: string, callback: OnRing): () => void;
  /** How many callbacks are registered: a test asserts that none is left behind. */
  readonly listeners: number;
  close(): Promise<void>;
}

/** Callbacks by topic. Both doorbells share it; alone it serves one process. */
export class LocalDoorbell implements Doorbell {
  readonly #callbacks = new Map<string, Set<OnRing>>();
  #listeners = 0;

  get listeners(): number {
    return this.#listeners;
  }

  ring(topics: Iterable<string>): void {
    for (const topic of topics) {
      for (const callback of this.#callbacks.get(topic) ?? []) callback(null);
      const [kind = '', about] = topic.split(':');
      if (about !== undefined) for (const callback of this.#callbacks.get(kind) ?? []) callback(about);
    }
  }

  ringAll(): void {
    this.ring([...this.#callbacks.keys()]);
  }

  onRing(topic: string, callback: OnRing): () => void {
    const callbacks = this.#callbacks.get(topic) ?? new Set();
    this.#callbacks.set(topic, callbacks);
    // A wrapper of its own, so that one function registered twice is two registrations.
    const registered: OnRing = (about) => callback(about);
    callbacks.add(registered);
    this.#listeners += 1;
    return () => {
      if (!callbacks.delete(registered)) return;
      this.#listeners -= 1;
      if (callbacks.size === 0 && this.#callbacks.get(topic) === callbacks) this.#callbacks.delete(topic);
    };
  }

  close(): Promise<void> {
    // Emptied one by one: who stops listening later must not be counted out a second time.
    for (const callbacks of this.#callbacks.values()) callbacks.clear();
    this.#callbacks.clear();
    this.#listeners = 0;
    return Promise.resolve();
  }
}

/** What is waited for. One function per topic, so that ringer and waiter cannot spell it differently. */
export const topics = {
  /** The contract's log grew. */
  contract: (contractId: string) => `c:${contractId}`,
  /** A task's state changed. */
  task: (taskId: string) => `t:${taskId}`,
  /** A message was sent to a task. */
  inbox: (taskId: string) => `i:${taskId}`,
  /** A question of this owner was asked or closed. */
  questions: (ownerId: string) => `q:${ownerId}`,
  /** A daemon has a new command, or another connection of it took over. */
  daemon: (daemonId: string) => `d:${daemonId}`,
  /** A command was answered. */
  command: (commandId: string) => `a:${commandId}`,
  /** Something happened that may let a task of this owner start; heard by the scheduler of every instance. */
  schedule: 's',
  /** Something happened in a contract that its supervisor or its owner may have to be told, heard like `schedule`. */
  supervision: (contractId: string) => `v:${contractId}`,
  /** The same, in whichever contract. */
  supervisions: 'v',
  /** A key was revoked. */
  key: (keyId: string) => `k:${keyId}`,
};
