import { type ExecutionResult, executeSubscriptionEvent, type ValidatedSubscriptionArgs } from 'graphql';
import type { LoggedEvent } from '../events/event-types.ts';
import { type Context, createContext } from '../graphql/context.ts';
import type { Principal } from '../platform/principal.ts';
import type { Runtime } from '../platform/runtime.ts';

/** Events in one go: enough for what they load to be loaded once, and few enough not to hold up everybody else. */
const BATCH = 250;

/** Executes one subscription operation on events of the log, for whoever asked for just that. */
export class EventExecution {
  readonly #runtime: Runtime;
  readonly #validated: ValidatedSubscriptionArgs;
  readonly #principal: Principal;

  constructor(runtime: Runtime, validated: ValidatedSubscriptionArgs, principal: Principal) {
    this.#runtime = runtime;
    this.#validated = validated;
    this.#principal = principal;
  }

  /**
   * The results for events that have just been read, in their order. Those of a batch are executed at the same moment, so
   * they share what they load: it is as fresh as if each had loaded it for itself.
   */
  async results(events: readonly LoggedEvent[]): Promise<ExecutionResult[]> {
    const results: ExecutionResult[] = [];
    for (let from = 0; from < events.length; from += BATCH)
      results.push(...(await this.#batch(events.slice(from, from + BATCH))));
    return results;
  }

  async #batch([first, ...others]: readonly LoggedEvent[]): Promise<ExecutionResult[]> {
    if (!first) return [];
    const args = { ...this.#validated, contextValue: this.#context(), rootValue: first as unknown };
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
    return { ...context, startEvent: () => undefined };
  }
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
