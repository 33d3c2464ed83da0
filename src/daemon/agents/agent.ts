import type { GitUser } from '../git/user.ts';
import type { OutputEntry } from '../output.ts';
import type { Conversation } from './conversation.ts';

export interface AgentExit {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** Why its work failed, where the code does not say it. */
  readonly failure?: string | undefined;
}

/** A started agent, whatever its kind. */
export interface Agent {
  /** Resolves when nothing of it runs any more, nor will again, and all that it wrote has been handed over. */
  readonly ended: Promise<AgentExit>;
  /**
   * Gives it so long to end by itself; then asks all of it to end, and after the grace makes it. Resolves when
   * nothing of it runs any more. Milliseconds.
   */
  stop(graceMs: number, patienceMs?: number): Promise<void>;
  /** Holds it where it is. Resolves when it does nothing any more. */
  pause(): Promise<void>;
  /** Lets it go on. */
  resume(): void;
  /** There may be something in its inbox. */
  notify(): void;
}

/** The process in which an agent runs. */
export interface AgentProcess {
  readonly pid: number;
  /** Tells it from a later one with the same id; null where the system does not say. */
  readonly startTime: string | null;
}

export interface AgentStart {
  readonly plan: string;
  readonly planFile: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Marks every process of this run, see process-group.ts. */
  readonly runId: string;
  /** Whom it runs as; none: the daemon's own user. */
  readonly user?: GitUser | null;
  /** Takes the output as it comes; the agent is read no further before it resolves. */
  readonly onOutput: (entries: OutputEntry[]) => Promise<void>;
  /** Remembers a process, before it does anything, for the daemon that comes after a crash. */
  readonly onProcess: (process: AgentProcess) => Promise<void>;
  /** What an agent needs that has conversations. */
  readonly conversation: Conversation;
}

/** The agent could not be started; the message says what to do. */
export class AgentStartError extends Error {
  override readonly name = 'AgentStartError';
  readonly code = 'AGENT_NOT_STARTED';
}
