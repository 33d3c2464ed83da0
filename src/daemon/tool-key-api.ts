import { TaskmeshClient } from '../client/client.ts';
import { AcknowledgeMessagesDocument, AgentTurnEndedDocument } from '../client/generated/graphql.ts';
import type { AgentAtServer, InboxMessage, WatchedOutput } from './agents/conversation.ts';
import type { Logger } from './options.ts';
import { untilAnswered } from './retrying.ts';
import { watchOutput } from './watching.ts';

export interface ToolKeyApiOptions {
  readonly serverUrl: string;
  readonly toolKey: string;
  readonly contractId: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** What the daemon asks the server in an agent's place, with the agent's own key. */
export class ToolKeyApi implements AgentAtServer {
  readonly #options: ToolKeyApiOptions;
  readonly #client: TaskmeshClient;

  constructor(options: ToolKeyApiOptions) {
    this.#options = options;
    this.#client = new TaskmeshClient({ url: options.serverUrl, key: options.toolKey });
  }

  async betweenTurns(signal: AbortSignal): Promise<{ isFinishing: boolean; messages: InboxMessage[] }> {
    const { viewer, inbox } = await this.#call('inbox', signal, (ends) =>
      this.#client.request(AgentTurnEndedDocument, {}, { signal: ends }),
    );
    return { isFinishing: viewer.task?.isFinishing ?? false, messages: inbox };
  }

  async acknowledge(upTo: number, signal: AbortSignal): Promise<void> {
    await this.#call('acknowledgeMessages', signal, (ends) =>
      this.#client.request(AcknowledgeMessagesDocument, { input: { upTo } }, { signal: ends }),
    );
  }

  watch(afterSequence: number, signal: AbortSignal): Promise<WatchedOutput> {
    const { contractId } = this.#options;
    return watchOutput({ client: this.#client, contractId, afterSequence, signal: this.#ends(signal) });
  }

  #call<T>(what: string, signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { logger } = this.#options;
    return untilAnswered(what, { logger, signal: this.#ends(signal) }, call);
  }

  #ends(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#options.signal]);
  }
}
