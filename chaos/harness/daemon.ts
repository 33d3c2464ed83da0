import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Program } from '../../test/support/processes.ts';

export interface DaemonSettings {
  readonly name: string;
  readonly key: string;
  /** Where it dials: a server, or a proxy before one. */
  readonly serverUrl: string;
  /** Its data directory and the repositories it may use lie in here. */
  readonly directory: string;
  readonly maxTasks?: number;
  readonly env?: NodeJS.ProcessEnv;
  /** Where its data is, when not beside the others. */
  readonly dataDir?: string;
}

/** A daemon as a real process, which finds its data again after each start. */
export class Daemon {
  readonly name: string;
  readonly dataDir: string;
  readonly #args: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  #program: Program | undefined;
  #before = '';

  constructor({ name, key, serverUrl, directory, maxTasks = 4, env, dataDir }: DaemonSettings) {
    this.name = name;
    this.dataDir = dataDir ?? join(directory, name);
    const where = ['--server', serverUrl, '--data-dir', this.dataDir, '--local-path', directory];
    this.#args = ['daemon', ...where, '--name', name, '--max', String(maxTasks), '--log-level', 'info'];
    this.#env = { TASKMESH_DAEMON_KEY: key, ...env };
  }

  get program(): Program {
    if (!this.#program) throw new Error(`the daemon ${this.name} was never started`);
    return this.#program;
  }

  get log(): string {
    return this.#before + (this.#program?.output ?? '');
  }

  launch(): void {
    this.#before = this.log;
    this.#program = new Program(this.#args, this.#env);
  }

  /** Starts it and waits until the server knows it. */
  async start(): Promise<void> {
    this.launch();
    await this.program.printed(/is connected to/);
  }

  /** kill -9: its agents go on. */
  async kill(): Promise<void> {
    const exited = once(this.program.child, 'exit');
    if (!this.program.child.kill('SIGKILL')) throw new Error(`the daemon was gone already:\n${this.log}`);
    await exited;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.program.child.kill(signal);
  }

  /** The whole entries in the spool of an attempt, with the number of the first: what it has promised to send. */
  spooled(taskId: string, attempt: number): { firstIndex: number; contents: string[] } | null {
    const dir = join(this.dataDir, 'spool', `${taskId}.${attempt}`);
    const names = existsSync(dir) ? readdirSync(dir).sort() : [];
    if (names.length === 0) return null;
    const contents = names.flatMap((name) => {
      const lines = readFileSync(join(dir, name), 'utf8').split('\n');
      lines.pop();
      return lines.map((line) => (JSON.parse(line) as { content: string }).content);
    });
    return { firstIndex: Number(names[0]?.split('.')[0]), contents };
  }
}
