import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { OutputSender } from '../../src/daemon/sender.ts';
import { Spool } from '../../src/daemon/spool.ts';
import { createLogger } from '../../src/platform/logger.ts';
import type { Answer, Caller } from './http.ts';
import { now } from './serve-calls.ts';

export interface Command {
  readonly id: string;
  readonly type: string;
  readonly attempt: number;
  readonly task: { readonly id: string };
  readonly payload: Answer;
  /** When it arrived. */
  readonly at: number;
}

const HEARTBEAT_MS = 5_000;
/** As many bytes may wait as a daemon lets wait. */
const SPOOL_BYTES = 256 * 1_024 * 1_024;
const COMMANDS = `subscription($daemonId: ID!, $epoch: Int!) {
  daemonCommands(daemonId: $daemonId, epoch: $epoch) { id type attempt payload task { id } }
}`;

/** A daemon without agents: it speaks the protocol over HTTP and WebSocket, and does at once what a benchmark needs. */
export class BenchDaemon {
  readonly caller: Caller;
  readonly #arrived = new Map<string, Command>();
  readonly #expected = new Map<string, (command: Command) => void>();
  #socket!: Client;
  #epoch = 0;
  #beat: NodeJS.Timeout | undefined;
  readonly #ends: (() => unknown)[] = [];

  private constructor(caller: Caller) {
    this.caller = caller;
  }

  static async connect(owner: Caller, name: string, maxConcurrentTasks = 1_000): Promise<BenchDaemon> {
    const { key } = await owner.mutate('createKey', { kind: 'DAEMON', name }, 'key');
    const daemon = new BenchDaemon(owner.as(key));
    const input = {
      name,
      hostname: 'bench',
      version: '0',
      agents: ['shell'],
      localPaths: ['/repositories'],
      maxConcurrentTasks,
    };
    const registered = await daemon.caller.mutate('registerDaemon', input, 'epoch daemon { id }');
    daemon.#epoch = registered.epoch;
    daemon.#listen(registered.daemon.id);
    daemon.#beat = setInterval(() => void daemon.beat().catch(() => undefined), HEARTBEAT_MS);
    daemon.#beat.unref();
    return daemon;
  }

  #listen(daemonId: string): void {
    this.#socket = createClient({
      url: this.caller.url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${this.caller.key}` },
      retryAttempts: 0,
    });
    const variables = { daemonId, epoch: this.#epoch };
    this.#socket.subscribe<{ daemonCommands: Command }>(
      { query: COMMANDS, variables },
      {
        next: ({ data }) => {
          if (data?.daemonCommands) this.#arrive({ ...data.daemonCommands, at: now() });
        },
        // A command that never comes fails the row by its time limit.
        error: () => undefined,
        complete: () => undefined,
      },
    );
  }

  #arrive(command: Command): void {
    if (command.type !== 'SPAWN_TASK') return;
    this.#arrived.set(command.task.id, command);
    this.#expected.get(command.task.id)?.(command);
  }

  /** The spawn of a task, once it has come. */
  spawned(taskId: string): Promise<Command> {
    const there = this.#arrived.get(taskId);
    if (there) return Promise.resolve(there);
    return new Promise((resolve) => this.#expected.set(taskId, resolve));
  }

  /** Takes a spawn on and reports it RUNNING. */
  async start(taskId: string): Promise<void> {
    const command = await this.spawned(taskId);
    this.#arrived.delete(taskId);
    this.#expected.delete(taskId);
    await this.caller.mutate(
      'acceptCommand',
      { commandId: command.id, epoch: this.#epoch },
      'command { id }',
    );
    const { id, branch } = command.payload.worktree;
    const worktree = { id, branch, path: `/copies/${id}`, baseBranch: 'main', baseSha: '1'.repeat(40) };
    await this.report(taskId, 'RUNNING', { worktree });
    await this.caller.mutate(
      'completeCommand',
      { commandId: command.id, epoch: this.#epoch, result: {} },
      'command { id }',
    );
  }

  /** A sign of life, also between those that it gives by itself. */
  beat(): Promise<Answer> {
    return this.caller.mutate('heartbeatDaemon', { epoch: this.#epoch }, 'daemon { id }');
  }

  report(taskId: string, status: string, more: object = {}): Promise<Answer> {
    return this.caller.mutate(
      'reportTask',
      { taskId, attempt: 1, status, outputCount: 0, ...more },
      'task { id }',
    );
  }

  /** Brings a task's output to the server as a daemon does: over a spool on disk, with as many lines at once as are there. */
  async output(taskId: string): Promise<Pick<Spool, 'append'>> {
    const dir = mkdtempSync(join(tmpdir(), 'taskmesh-bench-spool-'));
    const spool = await Spool.open({ dir, limitBytes: SPOOL_BYTES });
    const stopped = new AbortController();
    const sender = new OutputSender({
      taskId,
      attempt: 1,
      spool,
      append: (input) => this.caller.mutate('appendTaskOutput', input, 'nextIndex stale'),
      onStale: () => undefined,
      logger: createLogger('error'),
      signal: stopped.signal,
    });
    this.#ends.push(async () => {
      stopped.abort();
      await sender.done;
      rmSync(dir, { recursive: true, force: true });
    });
    return spool;
  }

  async close(): Promise<void> {
    clearInterval(this.#beat);
    for (const end of this.#ends) await end();
    await this.#socket.dispose();
    this.caller.close();
  }
}
