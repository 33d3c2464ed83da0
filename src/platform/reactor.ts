import type { Runtime } from './runtime.ts';

const SWEEP_MS = 5_000;
/** When more than so many were rung about, the round is about everything. */
const MANY = 100;

export interface Reaction {
  /** For the log. */
  readonly name: string;
  /** What it hears. */
  readonly topic: string;
  /**
   * What there is to do now. Any number of instances do it at once.
   * @returns after how many milliseconds to look again, though nobody may ring; null: not before somebody does
   */
  readonly round: (runtime: Runtime, occasion: Occasion) => Promise<number | null>;
}

export interface Occasion {
  /** Whether also what no ring tells is due. */
  readonly sweep: boolean;
  /** What was rung about, where the topic says so: nothing else is new. null: it may be anything. */
  readonly about: readonly string[] | null;
  /** Asked between steps: the instance stops. */
  readonly isClosed: () => boolean;
}

/**
 * Does something as soon as a ring says that there may be something to do, and every few seconds for what no ring tells.
 * One round at a time; a ring during it makes another follow.
 */
export class Reactor {
  readonly #runtime: Runtime;
  readonly #reaction: Reaction;
  #stopListening: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #again: NodeJS.Timeout | undefined;
  #wanted = false;
  #about: Set<string> | null = new Set();
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(runtime: Runtime, reaction: Reaction) {
    this.#runtime = runtime;
    this.#reaction = reaction;
  }

  start(): void {
    // Not in the same turn: whoever waits for an answer reads first.
    const hear = (about: string | null) => {
      if (about === null || (this.#about?.size ?? 0) >= MANY) this.#about = null;
      else this.#about?.add(about);
      setImmediate(() => this.#run(false));
    };
    this.#stopListening = this.#runtime.doorbell.onRing(this.#reaction.topic, hear);
    this.#timer = setInterval(() => this.#run(true), SWEEP_MS);
    this.#timer.unref();
    this.#run(true);
  }

  #run(sweep: boolean): void {
    this.#wanted = true;
    if (this.#closed || (this.#running && !sweep)) return;
    const before = this.#running ?? Promise.resolve();
    const round = before.then(() => this.#rounds(sweep));
    this.#running = round;
    void round.finally(() => {
      if (this.#running !== round) return;
      this.#running = undefined;
      // A ring between the last look and this moment found a round still running.
      if (this.#wanted) this.#run(false);
    });
  }

  async #rounds(sweep: boolean): Promise<void> {
    const { name, round } = this.#reaction;
    try {
      // A sweep is due also when the round before it has heard the ring that asked for it.
      for (let due = sweep; (due || this.#wanted) && !this.#closed; due = false) {
        this.#wanted = false;
        const about = due || !this.#about ? null : [...this.#about];
        this.#about = new Set();
        const again = await round(this.#runtime, { sweep: due, about, isClosed: () => this.#closed });
        if (again !== null) this.#lookAgain(again);
      }
    } catch (error) {
      // What it did not come to was rung once.
      this.#about = null;
      // The sweep comes again; the database may be away for a moment.
      if (!this.#closed) this.#runtime.logger.error({ err: error }, `a round of the ${name} failed`);
    }
  }

  #lookAgain(milliseconds: number): void {
    clearTimeout(this.#again);
    this.#again = setTimeout(() => {
      this.#about = null;
      this.#run(false);
    }, milliseconds);
    this.#again.unref();
  }

  /** Does what is due now and waits for it: for tests that move the clock. */
  async sweepNow(): Promise<void> {
    this.#run(true);
    await this.#running;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopListening?.();
    clearInterval(this.#timer);
    clearTimeout(this.#again);
    await this.#running;
  }
}
