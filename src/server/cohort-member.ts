import type { ExecutionResult } from 'graphql';
import type { EventSource, LogPage } from '../events/event-source.ts';
import { Burst } from './burst.ts';
import type { Cohort } from './cohort.ts';
import type { Wire } from './wire.ts';

/**
 * One subscriber of a cohort. For graphql-ws it is the iterator of a subscription that yields nothing until it ends: the
 * events go out beside it, and completing, failing and closing stay where they are.
 */
export class Member implements AsyncGenerator<ExecutionResult, void, void> {
  /** The cohort's position when this one came: what was executed before is not for it. */
  readonly freshFrom: number;
  readonly #cohort: Cohort;
  readonly #source: EventSource;
  readonly #wire: Wire;
  readonly #id: Buffer;
  readonly #end = Promise.withResolvers<IteratorResult<ExecutionResult, void>>();
  #position: number;
  #closed = false;

  constructor(cohort: Cohort, source: EventSource, wire: Wire, id: string, freshFrom: number) {
    this.#cohort = cohort;
    this.#source = source;
    this.#wire = wire;
    this.#id = Buffer.from(JSON.stringify(id));
    this.#position = source.after;
    this.freshFrom = freshFrom;
    // Nobody asks for the end of one that failed before it was asked.
    this.#end.promise.catch(() => undefined);
  }

  /** The last sequence it needs no more. */
  get position(): number {
    return this.#position;
  }

  /** Sends what it does not have yet. With too much on its way to the client already it falls behind instead. */
  deliver(bursts: readonly Burst[], upTo: number): void {
    if (this.#closed) return;
    for (const burst of bursts) {
      if (this.#wire.isCongested) {
        this.#cohort.fallBehind(this);
        return;
      }
      this.#send(burst);
    }
    this.#position = Math.max(this.#position, upTo);
  }

  /** Reads and executes by itself, as fast as the client takes it, until it can join the cohort. */
  async catchUp(): Promise<void> {
    let ahead: Promise<LogPage> | undefined;
    try {
      while (!this.#closed) {
        await this.#wire.drained();
        if (this.#closed || this.#cohort.admit(this)) return;
        const page = await (ahead ?? this.#source.page(this.#position));
        // Storage reads the next page while this one is executed and sent.
        ahead = page.isFull ? this.#source.page(page.position) : undefined;
        ahead?.catch(() => undefined);
        const payloads = await this.#cohort.payloads(page.events);
        for (const burst of Burst.of(payloads)) {
          if (this.#closed) return;
          this.#send(burst);
          await this.#wire.drained();
        }
        this.#position = page.position;
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #send(burst: Burst): void {
    const fresh = burst.after(this.#position);
    if (!fresh) return;
    fresh.sendTo(this.#id, (frames) => this.#wire.write(frames));
    this.#position = fresh.last;
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    this.#close();
    this.#end.reject(error);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cohort.remove(this);
    void this.#source.return();
  }

  next(): Promise<IteratorResult<ExecutionResult, void>> {
    return this.#end.promise;
  }

  return(): Promise<IteratorResult<ExecutionResult, void>> {
    this.#close();
    const done = { done: true, value: undefined } as const;
    this.#end.resolve(done);
    return Promise.resolve(done);
  }

  throw(error: unknown): Promise<IteratorResult<ExecutionResult, void>> {
    this.#fail(error);
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
