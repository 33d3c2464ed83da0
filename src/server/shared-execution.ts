import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  Kind,
  mapSourceToResponseEvent,
  type OperationDefinitionNode,
  validateSubscriptionArgs,
  visit,
} from 'graphql';
import { EventSource } from '../events/event-source.ts';
import type { Context } from '../graphql/context.ts';
import type { Principal } from '../platform/principal.ts';
import type { Runtime } from '../platform/runtime.ts';
import { Cohort } from './cohort.ts';
import { EventExecution } from './event-execution.ts';
import type { Wire } from './wire.ts';

/** Where the events of a subscription go when they need not pass through graphql-ws. */
export interface Receiver {
  readonly wire: Wire;
  /** The id that the client gave the subscription. */
  readonly id: string;
  /** The document as the client sent it. */
  readonly text: string;
}

type Subscribed = AsyncIterable<ExecutionResult> | ExecutionResult;

/** The cursor's name in every subscription over the log. */
const CURSOR = 'afterSequence';

/**
 * Subscriptions over a contract's log. Each subscriber is set up for itself: its document and variables are checked, and
 * the field's own `subscribe` decides about permission, arguments and cursor. Only then those that would get the same
 * anyway are executed together.
 */
export class SharedExecution {
  readonly #runtime: Runtime;
  readonly #format: (errors: readonly unknown[]) => unknown[];
  readonly #cohorts = new Map<string, Cohort>();

  /** @param format what a client is told of errors */
  constructor(runtime: Runtime, format: (errors: readonly unknown[]) => unknown[]) {
    this.#runtime = runtime;
    this.#format = format;
  }

  /** How many executions there are, each for any number of subscribers. */
  get size(): number {
    return this.#cohorts.size;
  }

  /** `subscribe` of graphql-js for a subscriber over WebSocket. */
  async subscribe(args: ExecutionArgs, receiver: Receiver): Promise<Subscribed> {
    const validated = validateSubscriptionArgs(args);
    if (!('schema' in validated)) return { errors: validated };
    const source = await createSourceEventStream(validated);
    if (!(source instanceof EventSource))
      return Symbol.asyncIterator in source ? mapSourceToResponseEvent(validated, source) : source;
    const { principal } = (args.contextValue as Context).operation();
    const { coerced } = validated.variableValues;
    const key = keyOf(validated.document, validated.operation, receiver.text, coerced, principal);
    let cohort = this.#cohorts.get(key);
    if (!cohort) {
      const execution = new EventExecution(
        this.#runtime,
        { ...validated, contextValue: undefined },
        principal,
      );
      const remove = () => void this.#cohorts.delete(key);
      cohort = new Cohort(this.#runtime, source, execution, this.#format, remove);
      this.#cohorts.set(key, cohort);
    }
    // graphql-ws keeps the arguments for as long as the subscription lives, and with its context the operation's
    // EntityManager: more than all the rest of an idle subscriber.
    args.contextValue = undefined;
    return cohort.add(source, receiver.wire, receiver.id);
  }
}

/** `subscribe` for a subscriber that gets its results one by one: events are still read and executed page by page. */
export async function subscribeAlone(runtime: Runtime, args: ExecutionArgs): Promise<Subscribed> {
  const validated = validateSubscriptionArgs(args);
  if (!('schema' in validated)) return { errors: validated };
  const source = await createSourceEventStream(validated);
  if (!(source instanceof EventSource))
    return Symbol.asyncIterator in source ? mapSourceToResponseEvent(validated, source) : source;
  const { principal } = (args.contextValue as Context).operation();
  const execution = new EventExecution(runtime, validated, principal);
  return source.iterate((events) => execution.results(events));
}

/** The same for two subscribers when, and only when, every event gives both the same. */
function keyOf(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  text: string,
  variables: Readonly<Record<string, unknown>>,
  principal: Principal,
): string {
  const cursor = cursorVariable(document, operation);
  const others = Object.entries(variables).filter(([name]) => name !== cursor);
  return JSON.stringify([text, operation.name?.value ?? null, others, principal]);
}

/**
 * The variable that is the cursor and nothing else, which makes no difference to what an event gives: used once, as the
 * cursor of the one field at the root. Any other way of writing it counts as a difference.
 */
function cursorVariable(document: DocumentNode, operation: OperationDefinitionNode): string | null {
  const [root, ...others] = operation.selectionSet.selections;
  if (root?.kind !== Kind.FIELD || others.length > 0) return null;
  const argument = root.arguments?.find(({ name }) => name.value === CURSOR);
  if (argument?.value.kind !== Kind.VARIABLE) return null;
  const name = argument.value.name.value;
  let uses = 0;
  visit(document, {
    VariableDefinition: () => false,
    Variable: (node) => {
      if (node.name.value === name) uses += 1;
    },
  });
  return uses === 1 ? name : null;
}
