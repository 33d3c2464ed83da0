import type { TaskmeshClient } from '../client/client.ts';
import { ViewerDocument } from '../client/generated/graphql.ts';
import { callPatiently } from '../client/patience.ts';
import { ArgumentsError, isKeyRefused, keyRefused } from './failures.ts';
import type { Role } from './tool.ts';

/** Who calls, as the key says. */
export interface Identity {
  readonly role: Role;
  /** Of a task; a person names the contract with each call. */
  readonly contractId: string | null;
  readonly taskId: string | null;
}

/** A client asks for the tools at its start and does not wait long. Milliseconds. */
const START_PATIENCE_MS = 20_000;

/** The key, whose it is, and whether it is still good. */
export class Session {
  readonly client: TaskmeshClient;
  /** Known before the server was asked, from the environment of an agent. */
  readonly #isTask: boolean;
  #identity: Promise<Identity> | undefined;
  #isOver = false;

  constructor(client: TaskmeshClient, isTask: boolean) {
    this.client = client;
    this.#isTask = isTask;
  }

  /**
   * Who calls; asked of the server once.
   * @throws ApiError when the key is refused, UnreachableError when there is no answer: then the next call asks again
   */
  identity(): Promise<Identity> {
    this.#identity ??= this.#ask().catch((error: unknown) => {
      this.#identity = undefined;
      throw error;
    });
    return this.#identity;
  }

  /** What every further call is told, once the key was refused; else null. */
  get over(): string | null {
    return this.#isOver ? keyRefused(this.#isTask) : null;
  }

  /** Remembers when the failure says that the key is not good any more. */
  note(error: unknown): void {
    this.#isOver ||= isKeyRefused(error);
  }

  async #ask(): Promise<Identity> {
    const { viewer } = await callPatiently(
      this.client,
      ViewerDocument,
      {},
      { patienceMs: START_PATIENCE_MS },
    );
    if (viewer.kind === 'DAEMON') {
      throw new ArgumentsError(
        'This is the key of a daemon. The tools need a user key (TASKMESH_KEY), or the key of a task.',
      );
    }
    const { task } = viewer;
    return { role: viewer.kind, contractId: task?.contract.id ?? null, taskId: task?.id ?? null };
  }
}
