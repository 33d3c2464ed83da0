import { setImmediate as turn } from 'node:timers/promises';
import type { ExecutionResult } from 'graphql';
import type { EventSource } from '../events/event-source.ts';
import type { LoggedEvent } from '../events/event-types.ts';
import type { Runtime } from '../platform/runtime.ts';
import { Burst, type Payload } from './burst.ts';
import { Member } from './cohort-member.ts';
import type { EventExecution } from './event-execution.ts';
import type { Wire } from './wire.ts';

/** Payloads kept for subscribers that are about to join. */
const MAX_KEPT = 2_048;
/** How long a burst may be sent without letting anything else happen. Milliseconds. */
const TURN_MS = 15;

/**
 * Subscribers with the same operation, variables and viewer at the live end of one log: each event is executed and
 * serialised once for all of them. Who comes with an earlier cursor, or reads too slowly, is *behind*: it reads storage and
 * executes by itself until it has come to where the cohort stands, and joins in the same turn of the event loop. Both
 * kinds hold a position in the log, so there is no seam at which an event could be lost or doubled.
 */
export class Cohort {
  readonly execution: EventExecution;
  readonly #runtime: Runtime;
  readonly #format: (errors: readonly unknown[]) => unknown[];
  readonly #source: EventSource;
  readonly #onEmpty: () => void;
  readonly #stopListening: () => void;
  readonly #live = new Set<Member>();
  readonly #behind = new Set<Member>();
  /** What was executed after `#from`, up to `#to`, while somebody was behind. */
  #kept: Payload[] = [];
  #from: number;
  #to: number;
  #advancing = false;
  #grown = false;

  /** @param source that of its first member: all have the same log and filter */
  constructor(
    runtime: Runtime,
    source: EventSource,
    execution: EventExecution,
    format: (errors: readonly unknown[]) => unknown[],
    onEmpty: () => void,
  ) {
    this.#runtime = runtime;
    this.#source = source;
    this.execution = execution;
    this.#format = format;
    this.#onEmpty = onEmpty;
    this.#from = source.tail.last;
    this.#to = source.tail.last;
    this.#stopListening = source.tail.onGrowth(() => void this.#advance());
  }

  get size(): number {
    return this.#live.size + this.#behind.size;
  }

  add(source: EventSource, wire: Wire, id: string): Member {
    const member = new Member(this, source, wire, id, this.#to);
    this.fallBehind(member);
    return member;
  }

  remove(member: Member): void {
    this.#live.delete(member);
    this.#behind.delete(member);
    if (this.size > 0) return;
    this.#stopListening();
    this.#onEmpty();
  }

  fallBehind(member: Member): void {
    this.#live.delete(member);
    this.#behind.add(member);
    void member.catchUp();
  }

  /**
   * Takes a member among the live ones when it has come to where the cohort stands, and sends it the rest.
   * What was executed before it came it is not given: fields such as a task's status are those of the moment.
   */
  admit(member: Member): boolean {
    if (member.position < this.#from || member.position < member.freshFrom) return false;
    this.#behind.delete(member);
    this.#live.add(member);
    member.deliver(Burst.of(this.#kept), this.#to);
    this.#forget();
    return true;
  }

  /** Executes and serialises, for one member or for all. */
  async payloads(events: readonly LoggedEvent[]): Promise<Payload[]> {
    const texts = await this.execution.json(events, (result) => JSON.stringify(this.#shown(result)));
    return texts.map((json, index) => ({ sequence: events[index]?.sequence ?? 0, json }));
  }

  #shown({ data, errors }: ExecutionResult): object {
    return errors ? { data: data ?? null, errors: this.#format(errors) } : { data };
  }

  /** One at a time; growth meanwhile makes it go on. */
  async #advance(): Promise<void> {
    this.#grown = true;
    if (this.#advancing) return;
    this.#advancing = true;
    try {
      while (this.#grown && this.size > 0) {
        this.#grown = false;
        const page = await this.#source.page(this.#to);
        const payloads = await this.payloads(page.events);
        this.#kept.push(...payloads);
        this.#to = page.position;
        if (this.#to < this.#source.tail.last) this.#grown = true;
        await this.#deliver(payloads);
        this.#forget();
      }
    } catch (error) {
      // Each goes on by itself, from its own position, and meets the failure itself if it lasts.
      this.#runtime.logger.warn({ err: error }, 'events could not be executed for their subscribers');
      this.#to = this.#source.tail.last;
      this.#from = this.#to;
      this.#kept = [];
      for (const member of [...this.#live]) this.fallBehind(member);
    } finally {
      this.#advancing = false;
    }
  }

  async #deliver(payloads: readonly Payload[]): Promise<void> {
    const to = this.#to;
    const bursts = Burst.of(payloads);
    let began = performance.now();
    for (const member of [...this.#live]) {
      // It may have left, or fallen behind, in a turn in between.
      if (!this.#live.has(member)) continue;
      member.deliver(bursts, to);
      if (performance.now() - began < TURN_MS) continue;
      await turn();
      began = performance.now();
    }
  }

  #forget(): void {
    if (this.#behind.size > 0 && this.#kept.length <= MAX_KEPT) return;
    this.#kept = [];
    this.#from = this.#to;
  }
}
