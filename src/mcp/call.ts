import type { TaskmeshClient } from '../client/client.ts';
import type { TypedDocumentString } from '../client/generated/graphql.ts';
import { callPatiently } from '../client/patience.ts';
import { NoAnswerError } from './failures.ts';
import type { Identity } from './session.ts';

/** What is added at most to the time a call may wait, for the answer to arrive. Milliseconds. */
const MARGIN_MS = 5_000;

export interface CallOptions {
  readonly client: TaskmeshClient;
  readonly identity: Identity;
  /** The contract that a person named. */
  readonly contractId: string | undefined;
  readonly requestId: string;
  readonly maxWaitSeconds: number;
  /** Aborts when the client does not wait any more. */
  readonly signal: AbortSignal;
}

/** One call of a tool: who calls, and the way to the server, for no longer than a client waits. */
export class Call {
  readonly identity: Identity;
  /** For what is to be done once: a call that is made again, since its result never arrived, has it again. */
  readonly requestId: string;
  readonly #options: CallOptions;
  readonly #waitsUntil: number;
  readonly #endsAt: AbortSignal;

  constructor(options: CallOptions) {
    const waitMs = options.maxWaitSeconds * 1_000;
    this.identity = options.identity;
    this.requestId = options.requestId;
    this.#options = options;
    this.#waitsUntil = performance.now() + waitMs;
    this.#endsAt = AbortSignal.timeout(waitMs + Math.min(waitMs, MARGIN_MS));
  }

  /** The contract that the call is about. */
  get contractId(): string {
    const contractId = this.identity.contractId ?? this.#options.contractId;
    if (!contractId) throw new Error('a tool that is of no contract asked for one');
    return contractId;
  }

  /** How long one call may wait in all, in seconds. */
  get maxWaitSeconds(): number {
    return this.#options.maxWaitSeconds;
  }

  /** How long the server may still be let wait, in seconds, at least 1. */
  secondsLeft(atMost = Number.POSITIVE_INFINITY): number {
    const left = Math.floor((this.#waitsUntil - performance.now()) / 1_000);
    return Math.max(1, Math.min(left, atMost));
  }

  /**
   * Asks the server, also through a restart of it.
   * @param variables a function gives them anew for each attempt, where they say how long to wait
   * @throws ApiError when it refuses, NoAnswerError when there is none in time
   */
  async ask<TResult, TVariables>(
    document: TypedDocumentString<TResult, TVariables>,
    variables: NoInfer<TVariables> | (() => NoInfer<TVariables>),
    ends?: AbortSignal,
  ): Promise<TResult> {
    const { client, signal } = this.#options;
    const either = AbortSignal.any([signal, this.#endsAt, ...(ends ? [ends] : [])]);
    try {
      return await callPatiently(client, document, variables, {
        signal: either,
        patienceMs: Number.POSITIVE_INFINITY,
      });
    } catch (error) {
      if (this.#endsAt.aborted && !signal.aborted && !ends?.aborted) throw new NoAnswerError();
      throw error;
    }
  }

  /** Tells the server something after the call has ended: no longer bound to its time. */
  async afterwards<TResult, TVariables>(
    document: TypedDocumentString<TResult, TVariables>,
    variables: NoInfer<TVariables>,
  ): Promise<void> {
    await callPatiently(this.#options.client, document, variables);
  }
}
