/** More at once than a person could ever be asked, or an agent has use for. */
const MAX_PENDING = 50;

/** What the agent has asked and waits for. When its turn is cancelled, all of it is. */
export class PendingRequests {
  readonly #pending = new Set<AbortController>();

  get isAny(): boolean {
    return this.#pending.size > 0;
  }

  /**
   * Runs the answering of a request, which ends by its signal when the agent takes the request back or the turn
   * is cancelled. @returns null when it was ended, or there are too many already
   */
  async run<T>(withdrawn: AbortSignal, answer: (signal: AbortSignal) => Promise<T>): Promise<T | null> {
    if (this.#pending.size >= MAX_PENDING) return null;
    const controller = new AbortController();
    this.#pending.add(controller);
    const signal = AbortSignal.any([withdrawn, controller.signal]);
    try {
      return await answer(signal);
    } catch (error) {
      if (signal.aborted) return null;
      throw error;
    } finally {
      this.#pending.delete(controller);
    }
  }

  cancelAll(): void {
    for (const controller of this.#pending) controller.abort(new Error('The turn was cancelled.'));
  }
}
