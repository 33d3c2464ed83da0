import type { SpawnTaskPayload } from '../../platform/protocol.ts';

/** A message to an agent, as its inbox holds it. */
export interface InboxMessage {
  readonly number: number;
  readonly sender: string;
  readonly content: string;
}

/** What an agent's own key lets us ask the server for it. */
export interface AgentAtServer {
  /** What there is for an agent between two turns. */
  betweenTurns(signal: AbortSignal): Promise<{ isFinishing: boolean; messages: readonly InboxMessage[] }>;
  /** The agent has the messages up to this number. */
  acknowledge(upTo: number, signal: AbortSignal): Promise<void>;
  /** What the work tasks of the contract have said after a place in the log, once they have said something. */
  watch(afterSequence: number, signal: AbortSignal): Promise<WatchedOutput>;
}

export interface WatchedOutput {
  /** As it is told to who watches. */
  readonly text: string;
  /** The place in the log to go on from. */
  readonly upToSequence: number;
}

export interface PersonQuestion {
  readonly question: string;
  readonly choices: readonly string[];
  readonly context?: string | undefined;
  readonly multiSelect?: boolean;
  readonly isPermission?: boolean;
}

export interface PersonAnswer {
  /** Those of the choices that were taken. */
  readonly choices: readonly string[];
  /** What was said in one's own words; null when nothing was. */
  readonly text: string | null;
}

/** What an agent that has conversations needs of the run that it belongs to. */
export interface Conversation {
  readonly task: SpawnTaskPayload;
  readonly server: AgentAtServer;
  /** How the Taskmesh MCP server is started for the agent's session. */
  readonly mcpServer: McpServer;
  readonly clientVersion: string;
  /**
   * Asks the person, in the name of the task. The question is withdrawn when the signal aborts.
   * @returns null when there was no answer in time
   */
  ask(question: PersonQuestion, signal: AbortSignal): Promise<PersonAnswer | null>;
  /** The session that the agent works in from now on. */
  onSession(sessionId: string): Promise<void>;
  /** All that the attempt has used so far. */
  onUsage(usage: { readonly costUsd: number; readonly tokens: number }): void;
  /** A message of the agent: the last one is the summary of what it came to. */
  onSaid(text: string): void;
  /**
   * There is no process any more until `resume`: what was done is saved and, for a supervisor that waits, the
   * server is told.
   */
  rest(as: 'WAITING' | 'PAUSED'): Promise<void>;
  /** It rests no more: a process is about to be started. */
  goOn(): Promise<void>;
}

export interface McpServer {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}
