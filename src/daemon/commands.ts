import { z } from 'zod';
import { ApiError } from '../client/errors.ts';
import type { CommandType } from '../client/generated/graphql.ts';
import type { DaemonApi, Epochs } from './api.ts';
import type { DaemonCommand } from './connection.ts';
import { exclusively } from './git/locks.ts';
import type { CommandOutcome, Journal, JournalEntry } from './journal.ts';
import type { Logger } from './options.ts';

export interface CommandCall {
  readonly id: string;
  readonly payload: unknown;
  readonly toolKey: string | null;
  /**
   * It was begun by a daemon that died in the middle: find out what was done, or do it again where that is
   * safe.
   */
  readonly isResumed: boolean;
}

/**
 * Does what a command says. @returns the result to answer with @throws an error with a `code`, which becomes
 * the answer
 */
export type CommandHandler = (call: CommandCall) => Promise<unknown>;

export interface CommandsOptions {
  readonly journal: Journal;
  readonly api: DaemonApi;
  readonly epochs: Epochs;
  readonly handlers: Partial<Record<CommandType, CommandHandler>>;
  /** Told at once of what came, before it is its turn. */
  readonly onReceived: (command: DaemonCommand) => void;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** They change nothing, and their answers are long: executed again rather than remembered. */
const READ_ONLY: ReadonlySet<CommandType> = new Set(['GET_TASK_DIFF', 'READ_FILE']);

/** Refusals of an answer that say that nobody waits for one. */
const SETTLED: ReadonlySet<string> = new Set([
  'NOT_FOUND',
  'STALE_ATTEMPT',
  'INVALID_TRANSITION',
  'FORBIDDEN',
]);

/**
 * Executes the commands of the server: each once, those of one task one after the other, others side by side.
 * A command is delivered again until it was answered; the journal knows which of them were executed before.
 */
export class Commands {
  readonly #options: CommandsOptions;
  readonly #underWay = new Map<
    string,
    { type: CommandType; taskId: string | null; attempt: number | null; done: Promise<void> }
  >();
  #isStopped = false;

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  receive(command: DaemonCommand): void {
    if (this.#isStopped || this.#underWay.has(command.id)) return;
    const taskId = command.task?.id ?? null;
    this.#options.onReceived(command);
    const done = exclusively(`commands ${taskId ?? command.id}`, () => this.#process(command, taskId))
      .catch((error: unknown) => {
        if (!this.#options.signal.aborted)
          this.#options.logger.error({ err: error, commandId: command.id }, 'command failed');
      })
      .finally(() => this.#underWay.delete(command.id));
    this.#underWay.set(command.id, { type: command.type, taskId, attempt: command.attempt, done });
  }

  /** Whether a command to start this attempt has come and is not answered yet. */
  isStarting(taskId: string, attempt: number): boolean {
    for (const command of this.#underWay.values()) {
      if (command.type === 'SPAWN_TASK' && command.taskId === taskId && command.attempt === attempt)
        return true;
    }
    return false;
  }

  /** Takes no further commands. Resolves when those under way have been answered. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#underWay.values()].map(({ done }) => done));
  }

  async #process(command: DaemonCommand, taskId: string | null): Promise<void> {
    const { journal, logger } = this.#options;
    const known = journal.get(command.id);
    const entry = { id: command.id, type: command.type, taskId, attempt: command.attempt };
    if (known?.outcome) return this.#answer(command, entry, known.outcome);
    if (this.#isStopped && !known) return;
    const isResumed = known?.state === 'accepted';
    let toolKey: string | null = null;
    if (!isResumed) {
      const received = journal.record({ ...entry, state: 'received' });
      const accepted = await this.#accept(command.id);
      await received;
      // Asked for again it is refused again.
      if (!accepted) return journal.record({ ...entry, state: 'answered' });
      toolKey = accepted.toolKey;
      await journal.record({ ...entry, state: 'accepted' });
    }
    logger.info({ commandId: command.id, type: command.type, taskId, isResumed }, 'command');
    const outcome = await this.#execute(command, toolKey, isResumed);
    // Cut off by the daemon's own end: what became of it is found out at the next start.
    if (this.#options.signal.aborted) return;
    if (!READ_ONLY.has(command.type)) await journal.record({ ...entry, state: 'finished', outcome });
    await this.#answer(command, entry, outcome);
  }

  /** Null when the command is not to be executed any more. */
  async #accept(commandId: string): Promise<{ toolKey: string | null } | null> {
    try {
      return await this.#options.api.acceptCommand(commandId, this.#options.epochs);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#options.logger.info({ commandId, code: error.code }, 'command was dropped');
      return null;
    }
  }

  async #execute(
    command: DaemonCommand,
    toolKey: string | null,
    isResumed: boolean,
  ): Promise<CommandOutcome> {
    const handler = this.#options.handlers[command.type];
    if (!handler) return failure('UNSUPPORTED', `This daemon cannot do ${command.type} yet. Update it.`);
    try {
      return {
        result: (await handler({ id: command.id, payload: command.payload, toolKey, isResumed })) ?? {},
      };
    } catch (error) {
      this.#options.logger.warn(
        { err: error, commandId: command.id, type: command.type },
        'command could not be done',
      );
      if (error instanceof z.ZodError) {
        return failure(
          'INVALID_INPUT',
          `The daemon does not understand this ${command.type}: ${z.prettifyError(error)}. Update the older of the two.`,
        );
      }
      const { code } = error as { code?: unknown };
      return failure(
        typeof code === 'string' ? code : 'COMMAND_FAILED',
        error instanceof Error ? error.message : String(error),
      );
    }
  }

  async #answer(
    command: DaemonCommand,
    entry: Omit<JournalEntry, 'state' | 'at'>,
    outcome: CommandOutcome,
  ): Promise<void> {
    const { journal } = this.#options;
    const refused = await this.#send(entry.id, outcome);
    // One that the server will never take would leave whoever asked without any.
    if (refused && !SETTLED.has(refused.code)) {
      await this.#send(
        entry.id,
        failure('COMMAND_FAILED', `It was done, but the server did not take the answer: ${refused.message}`),
      );
    }
    const isRemembered = !READ_ONLY.has(command.type);
    await journal.record({ ...entry, state: 'answered', ...(isRemembered ? { outcome } : {}) });
  }

  /** @returns why the server did not take it; null when it did */
  async #send(commandId: string, outcome: CommandOutcome): Promise<ApiError | null> {
    const { api, epochs, logger } = this.#options;
    try {
      await api.completeCommand(commandId, outcome, epochs);
      return null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      logger.warn({ err: error, commandId }, 'the answer was not taken');
      return error;
    }
  }
}

function failure(code: string, message: string): CommandOutcome {
  return { error: { code, message } };
}
