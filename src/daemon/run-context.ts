import type { AgentUser } from './agent-user.ts';
import type { AgentProfiles } from './agents/profiles.ts';
import type { DaemonApi } from './api.ts';
import type { Checkpoints } from './checkpoints.ts';
import type { DataPaths } from './files.ts';
import type { DaemonOptions, GitHubAccess, Logger } from './options.ts';
import type { Repositories } from './repositories.ts';
import type { RunRecords } from './run-record.ts';
import type { Worktrees } from './worktrees.ts';

/**
 * How the tasks of a daemon that is stopped are given back: all at once, by its disconnecting. Reported one
 * by one, the server would give each of them straight back to this daemon, as the first that has room.
 */
export class HandBack {
  isWanted = false;
  readonly #taken = Promise.withResolvers<boolean>();

  /** Whether the server has taken the tasks back; settles when the daemon has disconnected or could not. */
  get taken(): Promise<boolean> {
    return this.#taken.promise;
  }

  settle(isTaken: boolean): void {
    this.#taken.resolve(isTaken);
  }
}

/** What every run of a daemon shares. */
export interface RunContext {
  readonly api: DaemonApi;
  readonly repositories: Repositories;
  readonly worktrees: Worktrees;
  readonly checkpoints: Checkpoints;
  readonly records: RunRecords;
  readonly paths: DataPaths;
  readonly profiles: AgentProfiles;
  readonly baseEnv: Readonly<Record<string, string>>;
  /** null: agents run as the daemon's own user. */
  readonly agentUser: AgentUser | null;
  readonly binDir: string;
  readonly cliPath: DaemonOptions['cliPath'];
  readonly version: string;
  readonly serverUrl: string;
  readonly spoolLimitBytes: number;
  /** null: this daemon opens no pull requests. */
  readonly github: GitHubAccess | null;
  readonly logger: Logger;
  readonly handBack: HandBack;
  /** Aborted when the daemon ends: whatever waits for the server is left to the next start. */
  readonly signal: AbortSignal;
}
