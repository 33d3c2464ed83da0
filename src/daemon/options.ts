import type { Logger as PinoLogger } from 'pino';
import type { AgentProfiles } from './agents/profiles.ts';

export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error'>;

export interface DaemonOptions {
  /** The GraphQL endpoint, `http(s)://host:port/graphql`. */
  readonly serverUrl: string;
  /** The daemon key. No agent ever sees it. */
  readonly key: string;
  readonly name: string;
  /** Absolute. Mirrors, working copies, journal and spools; one daemon at a time. */
  readonly dataDir: string;
  /** WORK tasks at once, default 4. */
  readonly maxConcurrentTasks?: number;
  /** Directories whose repositories may be named by `localPath`. */
  readonly localPaths: readonly string[];
  /** By the name that contracts and tasks ask for. */
  readonly profiles: AgentProfiles;
  /** How the `taskmesh` command on an agent's PATH is started. */
  readonly cliPath: { readonly execPath: string; readonly entry: string };
  /**
   * The name of the user whom agents run as, and git in their working copies; needs a daemon that is root. Left out:
   * the daemon's own.
   */
  readonly agentUser?: string | undefined;
  /** Where the key was read from: agents with a user of their own must not be able to do the same. */
  readonly keyFile?: string | undefined;
  /** What an agent inherits (PATH, HOME, LANG …). */
  readonly baseEnv: Readonly<Record<string, string>>;
  readonly logger: Logger;
  readonly version: string;
  readonly hostname: string;
  /**
   * Bytes of output of one attempt that may wait on disk before its agent is slowed down. Default 256 MiB.
   */
  readonly spoolLimitBytes?: number;
  /** Days that working copies of contracts that are over, and mirrors that nothing uses, are kept. Default 7. */
  readonly keepDays?: number;
  /** Without it no pull request can be opened. */
  readonly github?: GitHubAccess | undefined;
}

/** GitHub, or a GitHub Enterprise server, and who the daemon is there. No agent ever sees it. */
export interface GitHubAccess {
  readonly token: string;
  /** Where its API is, default `https://api.github.com`; for an Enterprise server `https://HOST/api/v3`. */
  readonly baseUrl?: string | undefined;
}

export interface RunningDaemon {
  readonly id: string;
  readonly name: string;
  /**
   * Stops in order: agents stopped, their output sent, a checkpoint of each working copy, tasks given back as
   * INTERRUPTED, disconnected. Takes about 9 s at most; what could not be sent by then is sent after the next
   * start.
   */
  stop(): Promise<void>;
  /** Resolves after `stop`; rejects with DaemonStoppedError when the daemon had to end by itself. */
  readonly stopped: Promise<void>;
}

/** The daemon ended by itself: its key was refused, or another process took over with the same key. */
export class DaemonStoppedError extends Error {
  override readonly name = 'DaemonStoppedError';
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
