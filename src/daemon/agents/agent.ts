import type { OutputEntry } from '../output.ts';

export interface AgentExit {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
}

/** A started agent, whatever its kind. */
export interface Agent {
  readonly pid: number;
  /** Tells the process from a later one with the same id; null where the system does not say. */
  readonly startTime: string | null;
  /** Resolves when the agent's own process has ended. */
  readonly exited: Promise<AgentExit>;
  /** Resolves when nothing of it runs any more and all that it wrote has been handed over. */
  readonly ended: Promise<AgentExit>;
  /**
   * Asks all of it to end, and after the grace makes it. Resolves when nothing of it runs any more.
   * Milliseconds.
   */
  stop(graceMs: number): Promise<void>;
  /** Holds all of it where it is. */
  pause(): void;
  /** Lets it go on. */
  resume(): void;
}

export interface AgentStart {
  readonly plan: string;
  readonly planFile: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Marks every process of this run, see process-group.ts. */
  readonly runId: string;
  /** Takes the output as it comes; the agent is read no further before it resolves. */
  readonly onOutput: (entries: OutputEntry[]) => Promise<void>;
}

/** The agent could not be started; the message says what to do. */
export class AgentStartError extends Error {
  override readonly name = 'AgentStartError';
  readonly code = 'AGENT_NOT_STARTED';
}
