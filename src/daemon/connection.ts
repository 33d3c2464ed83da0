import { setTimeout as delay } from 'node:timers/promises';
import { TaskmeshClient } from '../client/client.ts';
import { ApiError, UnreachableError } from '../client/errors.ts';
import {
  DaemonCommandsDocument,
  type DaemonCommandsSubscription,
  type RegisterDaemonInput,
} from '../client/generated/graphql.ts';
import { HEARTBEAT_SECONDS } from '../platform/protocol.ts';
import type { DaemonApi, Epochs, Registered } from './api.ts';
import { DaemonStoppedError, type Logger } from './options.ts';
import { isPassing } from './retrying.ts';

export type DaemonCommand = DaemonCommandsSubscription['daemonCommands'];

export interface ConnectionOptions {
  readonly serverUrl: string;
  readonly key: string;
  readonly api: DaemonApi;
  readonly registration: RegisterDaemonInput;
  /**
   * Called before each registration: what was there when the server was asked. Its result comes back with the
   * answer.
   */
  readonly onRegister: () => (registered: Registered) => void;
  readonly onCommand: (command: DaemonCommand) => void;
  readonly logger: Logger;
}

const CALL_TIMEOUT_MS = 10_000;
/**
 * A daemon that was itself away for so long (suspended, starved) may count as lost: it asks before it goes
 * on.
 */
const MAX_GAP_MS = 15_000;
const HEALTHY_MS = 2_000;
const MIN_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5_000;

/** Keeps a daemon connected: registers, takes commands, sends heartbeats; after every cut it begins again. */
export class Connection implements Epochs {
  readonly #options: ConnectionOptions;
  readonly #stopping = new AbortController();
  #epoch: number | undefined;
  #daemonId = '';
  #whenConnected = Promise.withResolvers<void>();
  /** Ends the present session; resolves when told why. */
  #endSession: ((error: unknown) => void) | undefined;
  /**
   * A registration whose answer never came may still arrive at the server, and fence the one made after it.
   */
  #unanswered = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** The epoch last given out, also while there is no connection. */
  get epoch(): number | undefined {
    return this.#epoch;
  }

  async current(): Promise<number> {
    while (this.#epoch === undefined || !this.#endSession) {
      await this.#whenConnected.promise;
      this.#stopping.signal.throwIfAborted();
    }
    return this.#epoch;
  }

  refused(epoch: number, error: ApiError): void {
    if (epoch === this.#epoch) this.#endSession?.(error);
  }

  /** @throws DaemonStoppedError when it must not go on; resolves after `stop` */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    let pause = MIN_PAUSE_MS;
    while (!signal.aborted) {
      const startedAt = Date.now();
      try {
        await this.#register();
        await this.#session();
      } catch (error) {
        if (signal.aborted) return;
        const fatal = this.#fatal(error);
        if (fatal) throw fatal;
        this.#options.logger.warn({ err: error }, 'not connected, trying again');
      }
      // A connection that held, however it ended, says that the server is well.
      pause = Date.now() - startedAt > HEALTHY_MS ? MIN_PAUSE_MS : Math.min(pause * 2, MAX_PAUSE_MS);
      // Not all daemons at the same moment when a server comes back.
      await delay(pause * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
    }
  }

  stop(): void {
    this.#stopping.abort(new Error('The daemon was stopped.'));
    this.#endSession?.(this.#stopping.signal.reason);
    this.#whenConnected.resolve();
  }

  async #register(): Promise<void> {
    const { api, registration, onRegister, logger } = this.#options;
    const onAnswer = onRegister();
    let registered: Registered;
    try {
      registered = await api.register(registration, CALL_TIMEOUT_MS);
    } catch (error) {
      if (error instanceof UnreachableError) this.#unanswered += 1;
      throw error;
    }
    this.#epoch = registered.epoch;
    this.#daemonId = registered.daemon.id;
    logger.info(
      { daemonId: registered.daemon.id, epoch: registered.epoch, tasks: registered.tasks.length },
      'connected',
    );
    onAnswer(registered);
  }

  /** Until the connection is cut; always throws. */
  async #session(): Promise<void> {
    const { promise: ended, reject } = Promise.withResolvers<never>();
    ended.catch(() => undefined);
    const session = new AbortController();
    this.#endSession = (error) => {
      session.abort(error);
      reject(error);
    };
    this.#whenConnected.resolve();
    this.#whenConnected = Promise.withResolvers<void>();
    try {
      void this.#receive(session.signal).catch(reject);
      void this.#heartbeats(session.signal).catch(reject);
      if (this.#stopping.signal.aborted) return;
      await ended;
    } finally {
      this.#endSession = undefined;
      session.abort();
    }
  }

  async #receive(signal: AbortSignal): Promise<void> {
    const { serverUrl, key, registration, onCommand } = this.#options;
    // One of its own for each session: a socket that hangs half-open must not be used again.
    const client = new TaskmeshClient({ url: serverUrl, key });
    const variables = { daemonId: this.#daemonId, epoch: this.#epoch as number };
    try {
      for await (const { daemonCommands } of client.subscribe(DaemonCommandsDocument, variables, signal)) {
        if (signal.aborted) return;
        onCommand(daemonCommands);
      }
      throw new UnreachableError(
        serverUrl,
        new Error(`The server ended the commands of ${registration.name}.`),
      );
    } finally {
      // Not awaited: it waits for a socket that may never answer.
      void client.close().catch(() => undefined);
    }
  }

  async #heartbeats(signal: AbortSignal): Promise<void> {
    let lastAt = Date.now();
    for (;;) {
      await delay(HEARTBEAT_SECONDS * 1_000, undefined, { signal });
      const gap = Date.now() - lastAt;
      if (gap > MAX_GAP_MS) throw new Error(`This process was away for ${Math.round(gap / 1_000)} s.`);
      await this.#options.api.heartbeat(this.#epoch as number, CALL_TIMEOUT_MS);
      lastAt = Date.now();
    }
  }

  #fatal(error: unknown): DaemonStoppedError | null {
    if (!(error instanceof ApiError)) return null;
    if (error.code === 'STALE_EPOCH') {
      if (error.extensions.reason === 'LOST') return null;
      if (this.#unanswered > 0) {
        this.#unanswered = 0;
        return null;
      }
      const message = 'Another daemon took over with the same key. Give each daemon a key of its own.';
      return new DaemonStoppedError('STALE_EPOCH', `${message} (${error.message})`, error);
    }
    if (error.code === 'UNAUTHENTICATED') {
      const message = `The server refused the daemon's key: ${error.message} Make a new one.`;
      return new DaemonStoppedError('UNAUTHENTICATED', message, error);
    }
    return isPassing(error)
      ? null
      : new DaemonStoppedError(error.code, `The server refused this daemon: ${error.message}`, error);
  }
}
