import { setTimeout as delay } from 'node:timers/promises';
import { ApiError } from '../client/errors.ts';
import type { AppendTaskOutputInput, UsageInput } from '../client/generated/graphql.ts';
import type { Logger } from './options.ts';
import type { OutputEntry } from './output.ts';
import type { Batch, Spool } from './spool.ts';

export interface SenderOptions {
  readonly taskId: string;
  readonly attempt: number;
  readonly spool: Spool;
  /** Sends a batch, for as long as the server does not answer. */
  readonly append: (input: AppendTaskOutputInput) => Promise<{ nextIndex: number; stale: boolean }>;
  /** The task was started again somewhere: its output is still taken, its agent has no business any more. */
  readonly onStale: () => void;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** What waited while the server was away goes in large batches, of as many bytes as the spool reads at once. */
const MAX_ENTRIES = 1_000;
/** With so many no more are waited for. */
const ENOUGH_ENTRIES = 200;
/** How long a few entries wait for more to come along. */
const LINGER_MS = 5;

/** Brings the spool of one attempt to the server: in order, one batch at a time, each entry once. */
export class OutputSender {
  readonly #options: SenderOptions;
  #waiting: { index: number; resolve: () => void }[] = [];
  /** What the attempt has used, and was not told yet. */
  #usage: UsageInput | null = null;
  #more: Promise<boolean> | undefined;
  #onUsage: () => void = () => undefined;
  #ended = false;
  readonly done: Promise<void>;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.done = this.#run().catch((error: unknown) => {
      if (!options.signal.aborted)
        options.logger.error({ err: error, taskId: options.taskId }, 'output cannot be sent');
      this.#end();
    });
  }

  /**
   * Resolves when the server has all that is in the spool now, or has refused it for good.
   * @throws the signal's reason when the daemon stops first
   */
  async flush(): Promise<void> {
    const { spool, signal } = this.#options;
    if (!this.#ended && (spool.acknowledged < spool.count || this.#usage)) {
      await new Promise<void>((resolve) => this.#waiting.push({ index: spool.count, resolve }));
    }
    signal.throwIfAborted();
  }

  /** All that the attempt has used so far: goes with the next batch, or alone when there is none. */
  used(total: UsageInput): void {
    this.#usage = total;
    this.#onUsage();
  }

  /** Nothing more is sent: the daemon stops, or the server refused it for good. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  /** The server has less than it was thought to have. */
  async resendFrom(index: number): Promise<void> {
    await this.#options.spool.acknowledge(index);
  }

  async #run(): Promise<void> {
    const { spool, signal } = this.#options;
    const wake = () => void spool.close();
    signal.addEventListener('abort', wake, { once: true });
    let size = MAX_ENTRIES;
    while (await this.#waitForMore()) {
      if (this.#waiting.length === 0 && spool.count - spool.acknowledged < ENOUGH_ENTRIES)
        await delay(LINGER_MS);
      if (signal.aborted) break;
      const batch = await spool.read(size);
      size = (await this.#send(batch)) ? MAX_ENTRIES : 1;
      if (this.#ended) break;
      this.#waiting = this.#waiting.filter(({ index, resolve }) => {
        if (spool.acknowledged < index || this.#usage) return true;
        resolve();
        return false;
      });
    }
    signal.removeEventListener('abort', wake);
    this.#end();
  }

  /** Resolves when there is something to send; false: nothing will be any more. */
  async #waitForMore(): Promise<boolean> {
    if (this.#usage) return true;
    this.#more ??= this.#options.spool.waitForMore().finally(() => {
      this.#more = undefined;
    });
    const used = new Promise<boolean>((resolve) => {
      this.#onUsage = () => resolve(true);
    });
    return Promise.race([this.#more, used]);
  }

  /** @returns false when the server found the batch bad: to be tried entry by entry */
  async #send(batch: Batch): Promise<boolean> {
    const { spool, taskId, attempt, append, logger } = this.#options;
    const usage = this.#usage;
    this.#usage = null;
    try {
      const { nextIndex, stale } = await append({
        taskId,
        attempt,
        firstIndex: batch.firstIndex,
        entries: batch.entries,
        ...(usage ? { usage } : {}),
      });
      if (stale) this.#options.onStale();
      if (!(await spool.acknowledge(nextIndex))) this.#giveUp(`the server goes on from entry ${nextIndex}`);
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.code === 'OUTPUT_GAP' && typeof error.extensions.nextIndex === 'number') {
        const found = await spool.acknowledge(error.extensions.nextIndex);
        if (!found) this.#giveUp(`the server misses entries from ${error.extensions.nextIndex} on`);
        this.#usage ??= usage;
        return true;
      }
      if (error.code === 'INVALID_INPUT' && usage) {
        // Whichever of the two it does not like: the output goes on without what was used.
        logger.warn({ taskId, attempt, err: error }, 'output was refused together with what was used');
        return true;
      }
      if (error.code !== 'INVALID_INPUT' || batch.entries.length === 0) {
        this.#giveUp(error.message);
        return true;
      }
      if (batch.entries.length > 1) return false;
      // One entry that the server does not take must not keep all that follow it.
      logger.warn({ taskId, attempt, index: batch.firstIndex, err: error }, 'an output entry was refused');
      const substitute = refusedEntry(batch.entries[0]);
      const { nextIndex } = await append({
        taskId,
        attempt,
        firstIndex: batch.firstIndex,
        entries: [substitute],
      });
      await spool.acknowledge(nextIndex);
      return true;
    }
  }

  #giveUp(reason: string): void {
    const { logger, taskId, attempt } = this.#options;
    logger.error({ taskId, attempt, reason }, 'the rest of the output of this attempt is not taken');
    this.#end();
  }

  #end(): void {
    this.#ended = true;
    for (const { resolve } of this.#waiting) resolve();
    this.#waiting = [];
  }
}

function refusedEntry(entry: OutputEntry | undefined): OutputEntry {
  const createdAt = entry?.createdAt ?? new Date().toISOString();
  return { type: 'ERROR', content: 'The server refused an entry of output here.', isError: true, createdAt };
}
