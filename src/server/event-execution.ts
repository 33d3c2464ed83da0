import { type ExecutionResult, executeSubscriptionEvent, type ValidatedSubscriptionArgs } from 'graphql';
import type { LoggedEvent } from '../events/event-types.ts';
import { type Context, createContext } from '../graphql/context.ts';
import type { Principal } from '../platform/principal.ts';
import type { Runtime } from '../platform/runtime.ts';
import { Task } from '../tasks/task.entity.ts';
import { CompiledSelection } from './compiled-selection.ts';
import { asksOnlyForWhatLasts } from './lasting.ts';

/** Events in one go: enough for what they load to be loaded once, and few enough not to hold up everybody else. */
const BATCH = 250;
/** Tasks that are kept, about: the output of a contract may be that of thousands. */
const MAX_KEPT = 100;

/** Executes one subscription operation on events of the log, for whoever asked for just that. */
export class EventExecution {
  readonly #runtime: Runtime;
  readonly #validated: ValidatedSubscriptionArgs;
  readonly #principal: Principal;
  readonly #selection: CompiledSelection;
  /** Tasks by their ids, where nothing of them is asked for that changes; null: they are read afresh. */
  #lasting: Map<string, Task | null> | null;

  constructor(runtime: Runtime, validated: ValidatedSubscriptionArgs, principal: Principal) {
    this.#runtime = runtime;
    this.#validated = validated;
    this.#principal = principal;
    this.#selection = new CompiledSelection(validated);
    this.#lasting = asksOnlyForWhatLasts(validated) ? new Map() : null;
  }

  /**
   * The results for events that have just been read, in their order. Those of a batch are executed at the same moment, so
   * they share what they load: it is as fresh as if each had loaded it for itself.
   */
  async results(events: readonly LoggedEvent[]): Promise<ExecutionResult[]> {
    const results: ExecutionResult[] = [];
    for (const batch of batchesOf(events)) results.push(...(await this.#execute(batch, this.#context())));
    return results;
  }

  /** The same as JSON. @param write of a result that was not written while it was executed */
  async json(events: readonly LoggedEvent[], write: (result: ExecutionResult) => string): Promise<string[]> {
    const texts: string[] = [];
    for (const batch of batchesOf(events)) texts.push(...(await this.#write(batch, write)));
    return texts;
  }

  async #write(
    events: readonly LoggedEvent[],
    write: (result: ExecutionResult) => string,
  ): Promise<string[]> {
    const context = this.#context();
    const written = (event: LoggedEvent) => {
      const data = this.#selection.json(event, context);
      return data === null ? null : `{"data":${data}}`;
    };
    const executed = async (some: readonly LoggedEvent[]) => (await this.#execute(some, context)).map(write);
    const [first, ...others] = events;
    if (!first) return [];
    const texts = [written(first) ?? (await executed([first]))[0] ?? null];
    // What the first one has loaded is there for the others.
    for (const event of others) texts.push(written(event));
    const rest = await executed(events.filter((_, index) => texts[index] === null));
    return texts.map((text) => text ?? (rest.shift() as string));
  }

  async #execute(
    [first, ...others]: readonly LoggedEvent[],
    contextValue: Context,
  ): Promise<ExecutionResult[]> {
    if (!first) return [];
    const args = { ...this.#validated, contextValue, rootValue: first as unknown };
    // One object for the batch, since graphql-js remembers by it what it has collected of the selection; it looks at
    // `rootValue` as it begins and never later.
    const execute = (event: LoggedEvent) => {
      args.rootValue = event;
      return executeSubscriptionEvent(args);
    };
    // What the first one loads is there for the others, which then need not wait for anything.
    const results = [await execute(first)];
    results.push(...(await Promise.all(withoutStacks(() => others.map(execute)))));
    // What went wrong is told with where it went wrong.
    for (const [index, result] of results.entries())
      if (index > 0 && result.errors) results[index] = await execute(others[index - 1] as LoggedEvent);
    return results;
  }

  #context(): Context {
    const context = createContext(this.#runtime, {
      principal: this.#principal,
      // Of many callers at once, who come from anywhere; what is executed here only reads.
      address: null,
      signal: this.#runtime.closing,
    });
    if (this.#lasting) {
      // Not emptied: an execution under way may be about to take from it what it has just loaded.
      if (this.#lasting.size > MAX_KEPT) this.#lasting = new Map();
      context.loaders.keep(Task, this.#lasting);
    }
    return { ...context, startEvent: () => undefined };
  }
}

function batchesOf(events: readonly LoggedEvent[]): LoggedEvent[][] {
  const batches: LoggedEvent[][] = [];
  for (let from = 0; from < events.length; from += BATCH) batches.push(events.slice(from, from + BATCH));
  return batches;
}

/**
 * graphql-js ends each execution by aborting a signal of its own, and the stack of the exception which that makes costs
 * as much as all the rest. Nothing but `work` runs meanwhile.
 */
function withoutStacks<T>(work: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = limit;
  }
}
