import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { TaskmeshClient } from '../client/client.ts';
import { UnreachableError } from '../client/errors.ts';
import type { TypedDocumentString } from '../client/generated/graphql.ts';
import { clientConfig } from '../platform/config.ts';
import type { Cli } from './cli.ts';
import { EXIT } from './exit-codes.ts';
import { CommandFailure, usageFailure } from './failures.ts';

export interface CallOptions {
  /** How long one attempt may take. Milliseconds, default 60,000. */
  readonly timeoutMs?: number;
  /** How long to go on when the connection is cut. Milliseconds, default 30,000. */
  readonly patienceMs?: number;
  /** For what must not be sent twice: only an attempt that certainly did not arrive is repeated. */
  readonly once?: boolean;
}

/** The operations that wait for a daemon answer within 60 s; a little more, so that the answer is not missed. */
export const DAEMON_CALL_MS = 75_000;

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
    let giveUpAt: number | undefined;
    for (let pause = 100; ; pause = Math.min(pause * 2, 5_000)) {
      try {
        const result = await this.client.request(document, variables, {
          timeoutMs: options.timeoutMs ?? 60_000,
        });
        this.#reached = true;
        return result;
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error;
        const code = systemCode(error);
        if (options.once && !UNSENT.has(code)) throw error;
        // A person whose server is not running, or elsewhere, is told at once; an agent's server was there before.
        if (!this.#taskId && !this.#reached && !CUT.has(code)) throw error;
        if (giveUpAt === undefined) {
          giveUpAt = Date.now() + (options.patienceMs ?? 30_000);
          this.#cli.note(`taskmesh: no answer from ${this.client.url}, trying again`);
        }
        if (Date.now() + pause > giveUpAt) throw error;
        await delay(pause);
      }
    }
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

/** There was no connection: the request cannot have had an effect. */
const UNSENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/** There was one, and it ended before the answer. */
const CUT = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** `fetch` fails with a TypeError whose cause is the error of the system or of the HTTP client. */
function systemCode(error: UnreachableError): string {
  const cause = error.cause instanceof Error ? error.cause.cause : undefined;
  return String((cause as { code?: unknown } | undefined)?.code ?? '');
}
