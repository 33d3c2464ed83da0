import type { Readable, Writable } from 'node:stream';
import type { Api } from './api.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

/** A stream that may be a terminal. */
export type Screen = Writable & { isTTY?: boolean; hasColors?: () => boolean; columns?: number };

export interface Terminal {
  readonly stdin: Readable & { isTTY?: boolean };
  readonly stdout: Screen;
  readonly stderr: Screen;
  /** Instead of the process's own environment. */
  readonly env?: NodeJS.ProcessEnv;
}

/** The options that every command takes. */
export interface CommonFlags {
  url?: string;
  keyFile?: string;
  dataDir?: string;
  json?: boolean;
}

/** What a command works with: the terminal, the common flags, and the connection, made when first asked for. */
export class Cli {
  readonly terminal: Terminal;
  flags: CommonFlags = {};
  /** What the process ends with when the command returns: for outcomes that are results, not errors. */
  exitCode: ExitCode = EXIT.ok;
  #api: Api | undefined;

  constructor(terminal: Terminal) {
    this.terminal = terminal;
  }

  get json(): boolean {
    return this.flags.json === true;
  }

  /** The connection to the API, by the flags, the environment or the data directory. */
  async api(): Promise<Api> {
    if (!this.#api) {
      const { connect } = await import('./api.ts');
      this.#api = await connect(this);
    }
    return this.#api;
  }

  /** Writes a result: as JSON with `--json`, else as the text. */
  result(value: unknown, text: () => string): void {
    this.print(this.json ? JSON.stringify(value, null, 2) : text());
  }

  /** Writes to stdout, where results go. */
  print(text: string): void {
    if (text !== '') this.terminal.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** Writes to stderr what is not the result, for the person who watches or the log of the agent. */
  note(text: string): void {
    this.terminal.stderr.write(`${text}\n`);
  }

  /** A note of what to do next: only where a person reads. */
  hint(text: string): void {
    if (this.terminal.stderr.isTTY && !this.json) this.note(text);
  }

  async close(): Promise<void> {
    await this.#api?.close();
  }
}
