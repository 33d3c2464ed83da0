import { setTimeout as delay } from 'node:timers/promises';
import type { TaskmeshClient } from '../client/client.ts';
import { ApiError, UnreachableError } from '../client/errors.ts';
import {
  type AppendTaskOutputInput,
  type CommandErrorInput,
  DaemonAcceptCommandDocument,
  DaemonAppendOutputDocument,
  DaemonCheckpointPartDocument,
  DaemonCompleteCommandDocument,
  DaemonDisconnectDocument,
  DaemonHeartbeatDocument,
  DaemonRecordCheckpointDocument,
  DaemonRegisterDocument,
  type DaemonRegisterMutation,
  DaemonReportTaskDocument,
  DaemonUploadCheckpointPartDocument,
  type RecordCheckpointInput,
  type RegisterDaemonInput,
  type ReportTaskInput,
  type UploadCheckpointPartInput,
} from '../client/generated/graphql.ts';
import type { Logger } from './options.ts';

export type Registered = DaemonRegisterMutation['registerDaemon'];

/** Where the epoch of the present connection comes from. */
export interface Epochs {
  /** Waits for a connection. */
  current(): Promise<number>;
  /** The server does not know this epoch any more: register again, or end when another process took over. */
  refused(epoch: number, error: ApiError): void;
}

/**
 * Refusals that say nothing about the call: the same one may be taken later. A refused key ends the daemon
 * elsewhere.
 */
const PASSING = new Set(['INTERNAL_SERVER_ERROR', 'SHUTTING_DOWN', 'RATE_LIMITED', 'UNAUTHENTICATED']);

/** Whether a call is to be repeated as it is. */
export function isPassing(error: unknown): boolean {
  return error instanceof UnreachableError || (error instanceof ApiError && PASSING.has(error.code));
}

/**
 * The calls of a daemon. All but the first three go on trying until the server answers or the signal aborts;
 * every one of them may be repeated, since an index, an attempt or an id makes the second the same as the
 * first.
 */
export class DaemonApi {
  readonly #client: TaskmeshClient;
  readonly #logger: Logger;
  readonly #signal: AbortSignal;

  constructor(client: TaskmeshClient, logger: Logger, signal: AbortSignal) {
    this.#client = client;
    this.#logger = logger;
    this.#signal = signal;
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
      return (await this.#client.request(DaemonAcceptCommandDocument, variables, { signal })).acceptCommand;
    });
  }

  async completeCommand(
    commandId: string,
    outcome: { result?: unknown; error?: CommandErrorInput },
    epochs: Epochs,
  ): Promise<void> {
    await this.#inEpoch('completeCommand', epochs, async (epoch, signal) => {
      const input = { commandId, epoch, result: outcome.result ?? null, error: outcome.error ?? null };
      await this.#client.request(DaemonCompleteCommandDocument, { input }, { signal });
    });
  }

  async appendOutput(input: AppendTaskOutputInput): Promise<{ nextIndex: number; stale: boolean }> {
    return this.#untilAnswered('appendTaskOutput', async (signal) => {
      return (await this.#client.request(DaemonAppendOutputDocument, { input }, { signal })).appendTaskOutput;
    });
  }

  async reportTask(input: ReportTaskInput): Promise<void> {
    await this.#untilAnswered('reportTask', (signal) =>
      this.#client.request(DaemonReportTaskDocument, { input }, { signal }),
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

  /** @returns base64 */
  async checkpointPart(checkpointId: string, index: number): Promise<string> {
    return this.#untilAnswered('checkpointPart', async (signal) => {
      const variables = { checkpointId, index };
      return (await this.#client.request(DaemonCheckpointPartDocument, variables, { signal })).checkpointPart;
    });
  }

  /** @throws ApiError when the server refuses; the signal's reason when the daemon stops first */
  async #untilAnswered<Result>(
    what: string,
    call: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    for (let pause = 100; ; pause = Math.min(pause * 2, 5_000)) {
      this.#signal.throwIfAborted();
      try {
        return await call(this.#signal);
      } catch (error) {
        this.#signal.throwIfAborted();
        if (!isPassing(error)) throw error;
        this.#logger.debug({ err: error, call: what }, 'no answer, trying again');
      }
      // Not all at the same moment when a server comes back.
      await delay(pause * (0.5 + Math.random()), undefined, { signal: this.#signal });
    }
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
