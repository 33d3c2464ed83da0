import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const STOP_MS = 10_000;
const running = new Set<Child>();

interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** A process of a benchmark: a server, a peer or a crowd of clients. It is asked by name and answers, see `serveCalls`. */
export class Child {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >();
  readonly #name: string;
  #next = 0;

  private constructor(name: string, process: ChildProcess) {
    this.#name = name;
    this.#process = process;
    process.on('message', ({ id, value, error }: Reply) => {
      const call = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) call?.resolve(value);
      else call?.reject(new Error(`${name}: ${error}`));
    });
    process.on('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values())
        reject(new Error(`${name} ended (${code ?? signal}) before it answered`));
      running.delete(this);
    });
    running.add(this);
  }

  /** Starts a script of `bench/` as a process of its own, with the garbage collector at hand. */
  static async start(
    script: string,
    options: object = {},
    nodeFlags: readonly string[] = [],
  ): Promise<Child> {
    const path = fileURLToPath(new URL(`../${script}`, import.meta.url));
    const process = fork(path, [JSON.stringify(options)], {
      execArgv: ['--expose-gc', ...nodeFlags],
      stdio: 'inherit',
    });
    const child = new Child(script, process);
    await child.call('ready');
    return child;
  }

  call<T = void>(name: string, argument: unknown = null): Promise<T> {
    const id = this.#next++;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#process.send({ id, name, argument }, (error) => {
        if (error) reject(new Error(`${this.#name}: ${error.message}`));
      });
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    const cut = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS);
    this.#process.send({ id: -1, name: 'stop', argument: null }, () => undefined);
    await exited;
    clearTimeout(cut);
  }
}

/** Ends whatever a row that failed left behind. */
export async function stopChildren(): Promise<void> {
  await Promise.all([...running].map((child) => child.stop()));
}
