import { setTimeout as delay } from 'node:timers/promises';
import type { TaskmeshClient } from '../client/client.ts';
import { ApiError } from '../client/errors.ts';
import {
  AcknowledgeAnswerDocument,
  type AppendTaskOutputInput,
  type AskQuestionInput,
  type CommandErrorInput,
  DaemonAcceptCommandDocument,
  DaemonAppendOutputDocument,
  DaemonAskQuestionDocument,
  type DaemonAskQuestionMutation,
  DaemonAwaitAnswerDocument,
  DaemonCheckpointPartDocument,
  DaemonCompleteCommandDocument,
  DaemonContractsDocument,
  type DaemonContractsQuery,
  DaemonDisconnectDocument,
  DaemonHeartbeatDocument,
  DaemonRecordCheckpointDocument,
  DaemonRegisterDocument,
  type DaemonRegisterMutation,
  DaemonReportTaskDocument,
  DaemonUploadCheckpointPartDocument,
  DaemonWithdrawQuestionDocument,
  type RecordCheckpointInput,
  type RegisterDaemonInput,
  type ReportTaskInput,
  type UploadCheckpointPartInput,
} from '../client/generated/graphql.ts';
import type { Logger } from './options.ts';
import { isPassing, type Patience, untilAnswered } from './retrying.ts';

export type Registered = DaemonRegisterMutation['registerDaemon'];
/** What asking or waiting came to. */
export type Asked = DaemonAskQuestionMutation['askQuestion'];

/** Where the epoch of the present connection comes from. */
export interface Epochs {
  /** Waits for a connection. */
  current(): Promise<number>;
  /** The server does not know this epoch any more: register again, or end when another process took over. */
  refused(epoch: number, error: ApiError): void;
}

/**
 * How long a call that the server answers at once may take: a connection whose packets vanish never fails by itself, and
 * output waits behind it. Milliseconds.
 */
const ANSWER_MS = 20_000;

/** A refused key ends the daemon elsewhere. */
function isDaemonPassing(error: unknown): boolean {
  return isPassing(error) || (error instanceof ApiError && error.code === 'UNAUTHENTICATED');
}

/**
 * The calls of a daemon. All but the first three go on trying until the server answers or the signal aborts;
 * every one of them may be repeated, since an index, an attempt or an id makes the second the same as the
 * first.
 */
export class DaemonApi {
  readonly #client: TaskmeshClient;
  readonly #patience: Patience;
  readonly #answerMs: number;

  constructor(client: TaskmeshClient, logger: Logger, signal: AbortSignal, answerMs = ANSWER_MS) {
    this.#client = client;
    this.#answerMs = answerMs;
    this.#patience = { logger, signal, isPassing: isDaemonPassing };
  }

  /** Once. Milliseconds. */
  async register(input: RegisterDaemonInput, timeoutMs: number): Promise<Registered> {
    return (await this.#client.request(DaemonRegisterDocument, { input }, { timeoutMs })).registerDaemon;
  }

  /** Once. Milliseconds. */
  async heartbeat(epoch: number, timeoutMs: number): Promise<void> {
    await this.#client.request(DaemonHeartbeatDocument, { input: { epoch } }, { timeoutMs });
  }

  /** Once. Milliseconds. */
  async disconnect(epoch: number, timeoutMs: number): Promise<void> {
    await this.#client.request(DaemonDisconnectDocument, { input: { epoch } }, { timeoutMs });
  }

  async acceptCommand(commandId: string, epochs: Epochs): Promise<{ toolKey: string | null }> {
    return this.#inEpoch('acceptCommand', epochs, async (epoch, signal) => {
      const variables = { input: { commandId, epoch } };
      return (
        await this.#client.request(DaemonAcceptCommandDocument, variables, {
          signal,
          timeoutMs: this.#answerMs,
        })
      ).acceptCommand;
    });
  }

  async completeCommand(
    commandId: string,
    outcome: { result?: unknown; error?: CommandErrorInput },
    epochs: Epochs,
  ): Promise<void> {
    await this.#inEpoch('completeCommand', epochs, async (epoch, signal) => {
      const input = { commandId, epoch, result: outcome.result ?? null, error: outcome.error ?? null };
      await this.#client.request(
        DaemonCompleteCommandDocument,
        { input },
        { signal, timeoutMs: this.#answerMs },
      );
    });
  }

  async appendOutput(input: AppendTaskOutputInput): Promise<{ nextIndex: number; stale: boolean }> {
    return this.#untilAnswered('appendTaskOutput', async (signal) => {
      return (
        await this.#client.request(
          DaemonAppendOutputDocument,
          { input },
          { signal, timeoutMs: this.#answerMs },
        )
      ).appendTaskOutput;
    });
  }

  async reportTask(input: ReportTaskInput): Promise<void> {
    await this.#untilAnswered('reportTask', (signal) =>
      this.#client.request(DaemonReportTaskDocument, { input }, { signal, timeoutMs: this.#answerMs }),
    );
  }

  async uploadPart(input: UploadCheckpointPartInput): Promise<void> {
    await this.#untilAnswered('uploadCheckpointPart', (signal) =>
      this.#client.request(DaemonUploadCheckpointPartDocument, { input }, { signal }),
    );
  }

  async recordCheckpoint(input: RecordCheckpointInput): Promise<{ id: string; created: boolean }> {
    return this.#untilAnswered('recordCheckpoint', async (signal) => {
      const { recordCheckpoint } = await this.#client.request(
        DaemonRecordCheckpointDocument,
        { input },
        { signal },
      );
      return { id: recordCheckpoint.checkpoint.id, created: recordCheckpoint.created };
    });
  }

  async daemonContracts(contractIds: string[]): Promise<DaemonContractsQuery['daemonContracts']> {
    return this.#untilAnswered('daemonContracts', async (signal) => {
      return (await this.#client.request(DaemonContractsDocument, { contractIds }, { signal }))
        .daemonContracts;
    });
  }

  /** @returns base64 */
  async checkpointPart(checkpointId: string, index: number): Promise<string> {
    return this.#untilAnswered('checkpointPart', async (signal) => {
      const variables = { checkpointId, index };
      return (await this.#client.request(DaemonCheckpointPartDocument, variables, { signal })).checkpointPart;
    });
  }

  /** @throws ApiError when the server refuses; the signal's reason when the daemon stops first */
  #untilAnswered<Result>(what: string, call: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    return untilAnswered(what, this.#patience, call);
  }

  async askQuestion(input: AskQuestionInput): Promise<Asked> {
    return this.#untilAnswered('askQuestion', async (signal) => {
      return (await this.#client.request(DaemonAskQuestionDocument, { input }, { signal })).askQuestion;
    });
  }

  /** Waits for so long at most. */
  async awaitAnswer(questionId: string, timeoutSeconds: number): Promise<Asked> {
    return this.#untilAnswered('awaitAnswer', async (signal) => {
      const variables = { input: { questionId, timeoutSeconds } };
      return (await this.#client.request(DaemonAwaitAnswerDocument, variables, { signal })).awaitAnswer;
    });
  }

  async acknowledgeAnswer(questionId: string): Promise<void> {
    await this.#untilAnswered('acknowledgeAnswer', (signal) =>
      this.#client.request(AcknowledgeAnswerDocument, { input: { questionId } }, { signal }),
    );
  }

  async withdrawQuestion(questionId: string): Promise<void> {
    await this.#untilAnswered('withdrawQuestion', (signal) =>
      this.#client.request(DaemonWithdrawQuestionDocument, { input: { questionId } }, { signal }),
    );
  }

  #inEpoch<Result>(
    what: string,
    epochs: Epochs,
    call: (epoch: number, signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    return this.#untilAnswered(what, async (signal) => {
      for (;;) {
        const epoch = await epochs.current();
        try {
          return await call(epoch, signal);
        } catch (error) {
          if (!(error instanceof ApiError) || error.code !== 'STALE_EPOCH') throw error;
          epochs.refused(epoch, error);
          await delay(50, undefined, { signal });
        }
      }
    });
  }
}
