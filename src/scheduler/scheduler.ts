import { topics } from '../platform/doorbell.ts';
import type { Runtime } from '../platform/runtime.ts';
import { deliverAnswers } from '../questions/deliver-answers.ts';
import { expireQuestions } from '../questions/question.service.ts';
import { candidates, claimTask } from './claim.ts';
import { giveUpLostDaemons, withdrawUnaccepted } from './lost-daemons.ts';
import { noticeStalledTasks } from './stalled-tasks.ts';

export const SWEEP_MS = 5_000;

/**
 * Starts tasks as soon as something happens that makes a start possible, and sweeps every few seconds for what no ring
 * tells: leases that ran out, spawns nobody accepted, questions whose time is up. Every instance runs one.
 */
export class Scheduler {
  readonly #runtime: Runtime;
  #stopListening: (() => void) | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #wanted = false;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  start(): void {
    this.#stopListening = this.#runtime.doorbell.onRing(topics.schedule, () => this.#run(false));
    this.#sweep = setInterval(() => this.#run(true), SWEEP_MS);
    this.#sweep.unref();
    this.#run(true);
  }

  /** One round at a time; a ring during it makes another follow. */
  #run(sweep: boolean): void {
    this.#wanted = true;
    if (this.#closed || (this.#running && !sweep)) return;
    const before = this.#running ?? Promise.resolve();
    const round = before.then(() => this.#round(sweep));
    this.#running = round;
    void round.finally(() => {
      if (this.#running !== round) return;
      this.#running = undefined;
      // A ring between the last look and this moment found a round still running.
      if (this.#wanted) this.#run(false);
    });
  }

  async #round(sweep: boolean): Promise<void> {
    try {
      if (sweep) await this.#upkeep();
      while (this.#wanted && !this.#closed) {
        this.#wanted = false;
        for (const id of await candidates(this.#runtime)) {
          if (this.#closed) return;
          await claimTask(this.#runtime, id);
        }
      }
    } catch (error) {
      // The sweep comes again; the database may be away for a moment.
      if (!this.#closed) this.#runtime.logger.error({ err: error }, 'a round of the scheduler failed');
    }
  }

  async #upkeep(): Promise<void> {
    await withdrawUnaccepted(this.#runtime);
    await giveUpLostDaemons(this.#runtime);
    await expireQuestions(this.#runtime);
    await deliverAnswers(this.#runtime);
    await noticeStalledTasks(this.#runtime);
  }

  /** Runs what is due now and waits for it: for tests that move the clock. */
  async sweepNow(): Promise<void> {
    this.#run(true);
    await this.#running;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopListening?.();
    clearInterval(this.#sweep);
    await this.#running;
  }
}
