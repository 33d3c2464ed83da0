import type { ExecutionResult } from 'graphql';
import type { EventSource, LogPage } from '../events/event-source.ts';
import type { Cohort, Payload } from './cohort.ts';
import type { Wire } from './wire.ts';

/** Payloads that are sent before a client that catches up is waited for. */
const SLICE = 100;

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
  readonly #head: string;
  readonly #end = Promise.withResolvers<IteratorResult<ExecutionResult, void>>();
  #position: number;
  #closed = false;

  constructor(cohort: Cohort, source: EventSource, wire: Wire, id: string, freshFrom: number) {
    this.#cohort = cohort;
    this.#source = source;
    this.#wire = wire;
    this.#head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
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
  deliver(payloads: readonly Payload[], upTo: number): void {
    if (this.#closed || upTo <= this.#position) return;
    if (this.#wire.isCongested) {
      this.#cohort.fallBehind(this);
      return;
    }
    this.#send(payloads);
    this.#position = upTo;
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
        for (let from = 0; from < payloads.length && !this.#closed; from += SLICE) {
          this.#send(payloads.slice(from, from + SLICE));
          await this.#wire.drained();
        }
        this.#position = page.position;
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #send(payloads: readonly Payload[]): void {
    const after = this.#position;
    const fresh = payloads.filter(({ sequence }) => sequence > after);
    this.#wire.send(
      this.#head,
      fresh.map(({ json }) => json),
    );
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
