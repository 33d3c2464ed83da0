import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { TaskmeshClient } from '../../client/client.ts';
import { ApiError } from '../../client/errors.ts';
import { DaemonListDocument, ViewerDocument } from '../../client/generated/graphql.ts';
import { writeDaemonKey } from '../daemon-key.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandFailure } from '../failures.ts';
import { type Child, startChild } from '../processes.ts';

type Environment = Readonly<Record<string, string>>;

const START_MS = 30_000;

/** What the demo runs on: a temporary directory, and a server and a daemon as processes of their own. */
export class Stage {
  /** Everything is in here. */
  readonly root: string;
  readonly #environment: Environment;
  readonly #children: Child[] = [];

  private constructor(root: string, environment: Environment) {
    this.root = root;
    this.#environment = environment;
  }

  static async open(environment: Environment): Promise<Stage> {
    return new Stage(await mkdtemp(join(tmpdir(), 'taskmesh-demo-')), environment);
  }

  get dataDir(): string {
    return join(this.root, 'data');
  }

  logOf(name: 'server' | 'daemon'): string {
    return join(this.root, `${name}.log`);
  }

  /** Starts the server on the embedded database and gives its endpoint and the key that it made. */
  async startServer(port: number, signal: AbortSignal): Promise<{ url: string; key: string }> {
    await mkdir(this.dataDir, { recursive: true, mode: 0o700 });
    const args = ['serve', '--host', '127.0.0.1', '--port', String(port), '--data-dir', this.dataDir];
    const child = this.#start('server', args);
    const url = `http://127.0.0.1:${port}/graphql`;
    return this.#until(child, signal, 'answer', async () => {
      const key = (await readFile(join(this.dataDir, 'key'), 'utf8')).trim();
      await new TaskmeshClient({ url, key }).request(ViewerDocument, {}, { timeoutMs: 2_000, signal });
      return { url, key };
    });
  }

  /** Starts a daemon that takes one task at a time and may work on one repository; gives its name. */
  async startDaemon(
    server: { url: string; key: string },
    localPath: string,
    signal: AbortSignal,
  ): Promise<string> {
    const keyFile = join(this.root, 'daemon-key');
    await writeDaemonKey(server.url, server.key, keyFile, 'demo');
    // biome-ignore format: as on a command line
    const child = this.#start('daemon', [
      'daemon', '--server', server.url, '--key-file', keyFile, '--data-dir', join(this.root, 'daemon'),
      '--name', 'demo', '--max', '1', '--local-path', localPath,
    ]);
    const client = new TaskmeshClient(server);
    return this.#until(child, signal, 'connect', async () => {
      const { daemons } = await client.request(DaemonListDocument, {}, { timeoutMs: 2_000, signal });
      const daemon = daemons.find((candidate) => candidate.status === 'CONNECTED');
      if (!daemon) throw new Error('no daemon is connected yet');
      return daemon.name;
    });
  }

  /** Rejects when the server or the daemon ends by itself. */
  async broken(): Promise<never> {
    const failure = await Promise.race(
      this.#children.map(async (child) => `The ${child.name} ${await child.ended}.`),
    );
    throw new CommandFailure('DEMO_FAILED', EXIT.failed, failure);
  }

  /** The last lines of a log, for telling what went wrong. */
  async lastLines(name: 'server' | 'daemon', count: number): Promise<string> {
    const text = await readFile(this.logOf(name), 'utf8').catch(() => '');
    const lines = text.trimEnd().split('\n').slice(-count);
    return lines.map((line) => (line.length > 300 ? `${line.slice(0, 300)}…` : line)).join('\n');
  }

  /** Stops what was started, the daemon first. */
  async stop(): Promise<void> {
    for (const child of this.#children.splice(0).reverse()) await child.stop();
  }

  async remove(): Promise<void> {
    await rm(this.root, { recursive: true, force: true, maxRetries: 5 });
  }

  #start(name: 'server' | 'daemon', args: readonly string[]): Child {
    const child = startChild(args, { name, logFile: this.logOf(name), env: this.#environment });
    this.#children.push(child);
    return child;
  }

  async #until<T>(child: Child, signal: AbortSignal, what: string, probe: () => Promise<T>): Promise<T> {
    let ended: string | undefined;
    void child.ended.then((how) => {
      ended = how;
    });
    const giveUpAt = performance.now() + START_MS;
    for (;;) {
      signal.throwIfAborted();
      try {
        return await probe();
      } catch (error) {
        // It answers, and refuses: trying again changes nothing.
        if (error instanceof ApiError) throw error;
        if (ended) throw new CommandFailure('DEMO_FAILED', EXIT.failed, `The ${child.name} ${ended}.`);
        if (performance.now() > giveUpAt) {
          const cause = error instanceof Error ? error.message : String(error);
          throw new CommandFailure(
            'TIMED_OUT',
            EXIT.failed,
            `The ${child.name} did not ${what} within 30 s: ${cause}`,
          );
        }
      }
      await delay(100, undefined, { signal });
    }
  }
}

/** The port when it is free, else the next one that is. */
export async function freePort(from: number): Promise<number> {
  for (let port = from; port < Math.min(from + 100, 65_536); port += 1) {
    if (await isFree(port)) return port;
  }
  throw new CommandFailure(
    'DEMO_FAILED',
    EXIT.failed,
    `No port from ${from} on is free. Give another with --port.`,
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)));
  });
}
