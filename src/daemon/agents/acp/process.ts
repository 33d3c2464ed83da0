import { setTimeout as delay } from 'node:timers/promises';
import { type ClientApp, type ClientConnection, RequestError } from '@agentclientprotocol/sdk/unstable';
import type { AgentExit, AgentStart } from '../agent.ts';
import { type AgentChild, OutputPipe, rememberChild, startChild } from '../child.ts';
import { exitText } from '../exit-text.ts';
import { stopProcesses } from '../process-group.ts';
import type { AcpProfile } from '../profiles.ts';
import { AgentFailure, messageOf } from './failures.ts';
import type { SessionLog } from './session-log.ts';
import { openWire, type Wire } from './wire.ts';

export interface ProcessOptions {
  readonly profile: AcpProfile;
  readonly start: AgentStart;
  readonly log: SessionLog;
  /** Answers what the agent asks of us. */
  readonly app: ClientApp;
}

/** An agent that is told so by the end of its stdin gets so long to end by itself. */
const FAREWELL_MS = 1_000;
/** How long the exit of a process that no longer answers is waited for, to say how it ended. */
const EXIT_MS = 2_000;

/** A process of an agent that speaks the protocol, and the line to it. */
export class AcpProcess {
  readonly command: string;
  readonly exited: Promise<AgentExit>;
  readonly #child: AgentChild;
  readonly #wire: Wire;
  readonly #stderr: OutputPipe;
  readonly #connection: ClientConnection;

  private constructor(options: ProcessOptions, child: AgentChild) {
    const { log, app, start, profile } = options;
    this.command = profile.command;
    this.#child = child;
    this.exited = child.exited;
    log.begin();
    this.#wire = openWire({
      stdin: child.stdin,
      stdout: child.stdout,
      onUpdate: (params) => log.take(params),
      onNoise: (line) => log.noise(line),
    });
    this.#stderr = new OutputPipe(child.stderr, 'STDERR', start.onOutput);
    this.#connection = app.connect(this.#wire.stream);
  }

  /** @throws AgentStartError when there is no such executable or it may not be run */
  static async start(options: ProcessOptions): Promise<AcpProcess> {
    const child = await startChild(options.profile, options.start);
    // At once: of a process that ends before anybody reads it Node throws the output away.
    const process = new AcpProcess(options, child);
    await rememberChild(child, options.start);
    return process;
  }

  /** The agent's side of the protocol. */
  get agent(): ClientConnection['agent'] {
    return this.#connection.agent;
  }

  /**
   * Waits for an answer of the agent, for so long when a time is given. Milliseconds.
   * @throws RequestError when it answers with an error
   * @throws AgentFailure when it answers not at all
   */
  async answer<T>(
    asked: Promise<T>,
    doing: string,
    { timeoutMs, signal }: { timeoutMs?: number; signal: AbortSignal },
  ): Promise<T> {
    // Nobody may be left to hear how it ends.
    asked.catch(() => undefined);
    signal.throwIfAborted();
    const { promise: never, reject } = Promise.withResolvers<never>();
    const giveUp = () => reject(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => reject(this.#silent(doing, timeoutMs)), timeoutMs);
    try {
      return await Promise.race([asked, never]);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof AgentFailure || error instanceof RequestError) throw error;
      throw await this.#failure(error, doing);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** Asks it to end, and after the grace makes it. Resolves when all of it is gone and heard. Milliseconds. */
  async end(graceMs: number): Promise<void> {
    this.#child.stdin.end();
    const farewellMs = Math.min(FAREWELL_MS, graceMs / 2);
    if (farewellMs > 0) await Promise.race([this.exited, delay(farewellMs, undefined, { ref: false })]);
    await stopProcesses(this.#child.processes, graceMs - farewellMs);
    // What was wrong with what it sent was told to those who waited for an answer.
    await this.#wire.drain().catch(() => undefined);
    await this.#stderr.drain();
    this.#connection.close();
  }

  #silent(doing: string, timeoutMs: number): AgentFailure {
    return new AgentFailure(
      `${this.command} did not answer within ${timeoutMs / 1_000} s ${doing}. Does it work when it is started by hand on the daemon's machine, as the daemon's user?`,
    );
  }

  /** Why there is no answer: how the process ended, where it has. */
  async #failure(error: unknown, doing: string): Promise<AgentFailure> {
    // Only the end of what it sends closes the connection without an error of its own.
    if (!(error instanceof Error) || error.message !== 'ACP connection closed')
      return new AgentFailure(messageOf(error), { cause: error });
    const exit = await Promise.race([this.exited, delay(EXIT_MS, null, { ref: false })]);
    return new AgentFailure(`${this.command} ${exit ? exitText(exit) : 'closed its output'} ${doing}.`);
  }
}
