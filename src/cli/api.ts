import { randomUUID } from 'node:crypto';
import { TaskmeshClient } from '../client/client.ts';
import type { TypedDocumentString } from '../client/generated/graphql.ts';
import { type CallOptions, callPatiently, wasCut } from '../client/patience.ts';
import { clientConfig } from '../platform/config.ts';
import type { Cli } from './cli.ts';
import { EXIT } from './exit-codes.ts';
import { CommandFailure, usageFailure } from './failures.ts';

/** The client as the CLI uses it: with the contract and task of the environment, and patience with a cut line. */
export class Api {
  readonly client: TaskmeshClient;
  readonly #cli: Cli;
  readonly #contractId: string | null;
  readonly #taskId: string | null;
  #reached = false;

  constructor(cli: Cli, client: TaskmeshClient, contractId: string | null, taskId: string | null) {
    this.#cli = cli;
    this.client = client;
    this.#contractId = contractId;
    this.#taskId = taskId;
  }

  /** The contract of the agent that calls; undefined leaves it to the key. */
  get contractId(): string | undefined {
    return this.#contractId ?? undefined;
  }

  /** Whether the environment is that of an agent. */
  get isAgent(): boolean {
    return this.#taskId !== null;
  }

  /** The contract that was named, else that of the agent that calls. */
  contractOr(given: string | undefined): string {
    const contractId = given ?? this.contractId;
    if (contractId) return contractId;
    throw usageFailure('Name the contract: only an agent has one of its own.', 'contractId');
  }

  /** The task of the agent that calls. */
  get taskId(): string {
    if (this.#taskId) return this.#taskId;
    throw usageFailure(
      'This is for agents, whose environment names their task. Name the task: its id is an argument.',
    );
  }

  /**
   * Runs a query, or a mutation that may be repeated (by its `requestId`), going on while there is no answer.
   * @throws UnreachableError when there was none for as long as the options say
   */
  async call<TResult, TVariables>(
    document: TypedDocumentString<TResult, TVariables>,
    variables: NoInfer<TVariables>,
    options: CallOptions = {},
  ): Promise<TResult> {
    const result = await callPatiently(this.client, document, variables, {
      ...options,
      onNoAnswer: () => this.#cli.note(`taskmesh: no answer from ${this.client.url}, trying again`),
      // A person whose server is not running, or elsewhere, is told at once; an agent's server was there before.
      isWorthwhile: (error) => this.isAgent || this.#reached || wasCut(error),
    });
    this.#reached = true;
    return result;
  }

  close(): Promise<void> {
    return this.client.close();
  }
}

/** A fresh id for a call that creates something: a repeat of the call then does nothing twice. */
export function newRequestId(): string {
  return randomUUID();
}

export async function connect(cli: Cli): Promise<Api> {
  const config = clientConfig(cli.flags, cli.terminal.env);
  if (!config.key) {
    throw new CommandFailure(
      'UNAUTHENTICATED',
      EXIT.denied,
      'There is no key. Set TASKMESH_KEY, or give --key-file, or run this on the machine of `taskmesh up`, which keeps one.',
    );
  }
  const client = new TaskmeshClient({ url: config.url, key: config.key });
  return new Api(cli, client, config.contractId, config.taskId);
}
