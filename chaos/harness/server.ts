import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Program } from '../../test/support/processes.ts';
import type { WorldDatabase } from './databases.ts';

export interface ServerOptions {
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** A server instance as a real process, always on the same port: who lost it finds it again there. */
export class Server {
  readonly port: number;
  readonly dataDir: string;
  readonly #args: readonly string[];
  readonly #env: NodeJS.ProcessEnv;
  #program: Program | undefined;
  /** What all its processes said, one after the other. */
  #before = '';

  constructor(port: number, database: Pick<WorldDatabase, 'url' | 'dataDir'>, options: ServerOptions = {}) {
    this.port = port;
    this.dataDir = database.dataDir;
    this.#args = ['serve', '--port', String(port), '--log-level', 'warn', ...(options.args ?? [])];
    this.#env = {
      TASKMESH_DATA_DIR: database.dataDir,
      ...(database.url === null ? {} : { DATABASE_URL: database.url }),
      ...options.env,
    };
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/graphql`;
  }

  get pid(): number {
    return this.program.child.pid ?? 0;
  }

  get program(): Program {
    if (!this.#program) throw new Error(`the server on port ${this.port} was never started`);
    return this.#program;
  }

  get log(): string {
    return this.#before + (this.#program?.output ?? '');
  }

  /** The key that the first start made. */
  get key(): string {
    return readFileSync(join(this.dataDir, 'key'), 'utf8').trim();
  }

  /** Begins to start it, and does not wait. */
  launch(): void {
    this.#before = this.log;
    this.#program = new Program(this.#args, this.#env);
  }

  /** Starts it and waits until it can work. @returns how long that took, in milliseconds */
  async start(): Promise<number> {
    const startedAt = performance.now();
    this.launch();
    await this.ready();
    return performance.now() - startedAt;
  }

  async ready(withinMs = 60_000): Promise<void> {
    const health = this.url.replace('/graphql', '/health/ready');
    for (const giveUpAt = Date.now() + withinMs; ; await delay(20)) {
      if (!this.program.running) throw new Error(`the server ended:\n${this.program.output}`);
      const response = await fetch(health, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
      await response?.body?.cancel();
      if (response?.ok) return;
      if (Date.now() > giveUpAt) throw new Error(`the server is not ready:\n${this.program.output}`);
    }
  }

  /** kill -9 */
  async kill(): Promise<void> {
    if (!this.program.running) throw new Error(`the server was gone already:\n${this.log}`);
    const exited = once(this.program.child, 'exit');
    this.program.child.kill('SIGKILL');
    await exited;
  }

  /** SIGTERM. @returns how it ended, and after how many milliseconds */
  async stop(): Promise<{ code: number | null; tookMs: number }> {
    const askedAt = performance.now();
    const { child } = this.program;
    if (this.program.running) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const cut = setTimeout(() => child.kill('SIGKILL'), 30_000);
      await exited;
      clearTimeout(cut);
    }
    return { code: child.exitCode, tookMs: performance.now() - askedAt };
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.program.child.kill(signal);
  }
}
