import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { startedAs } from '../git/user.ts';
import { LineSplitter } from '../output.ts';
import { type AgentExit, type AgentStart, AgentStartError } from './agent.ts';
import { type RunProcesses, startTimeOf, stopProcesses } from './process-group.ts';

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** A process that leads a group of its own. */
export interface AgentChild {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly processes: RunProcesses & { readonly pid: number };
  /** Resolves when the process itself has ended. */
  readonly exited: Promise<AgentExit>;
}

export interface ChildCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * A pipe that somebody beyond our reach holds open, and that nothing comes through, is given up after this
 * long.
 */
const QUIET_PIPE_MS = 2_000;

/** @throws AgentStartError when there is no such executable or it may not be run */
export async function startChild(
  { command, args }: ChildCommand,
  start: Pick<AgentStart, 'cwd' | 'env' | 'runId' | 'user'>,
): Promise<AgentChild> {
  if (!(await stat(start.cwd).catch(() => null))?.isDirectory()) {
    throw new AgentStartError(
      `The directory ${start.cwd}, in which the agent was to run, is gone. Retry the task.`,
    );
  }
  const child = spawn(command, args, {
    cwd: start.cwd,
    env: start.env,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    // With it the daemon's other groups are dropped as well.
    ...startedAs(start.user),
  });
  const exited = new Promise<AgentExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const pid = await spawned(child, command);
  // One that does not read what it is told closes the pipe early: EPIPE, and no fault of anybody.
  child.stdin.on('error', () => undefined);
  const { stdin, stdout, stderr } = child;
  return {
    stdin,
    stdout,
    stderr,
    processes: { pid, startTime: startTimeOf(pid), runId: start.runId, user: start.user ?? null },
    exited,
  };
}

/** Has a process remembered. One that cannot be must not run: nobody would find it after a crash. */
export async function rememberChild(
  { processes }: AgentChild,
  start: Pick<AgentStart, 'onProcess'>,
): Promise<void> {
  try {
    await start.onProcess(processes);
  } catch (error) {
    await stopProcesses(processes, 0);
    throw error;
  }
}

function spawned(child: Child, command: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child.pid as number));
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(new AgentStartError(startFailure(command, error), { cause: error })),
    );
  });
}

function startFailure(command: string, error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') {
    return `There is no executable ${command} on the daemon's PATH. Install it there, or correct the agent's profile.`;
  }
  if (error.code === 'EACCES')
    return `${command} may not be executed by the user whom agents run as. Check its permissions.`;
  return `${command} could not be started: ${error.message}`;
}

/** How the reading of a stream goes. */
export interface Reading {
  lastChunkAt: number;
  /** What was read is being taken: that nothing comes meanwhile says nothing. */
  isHandingOver: boolean;
}

/**
 * After the agent's end: waits until all of a stream was read, or until only somebody who got away holds it
 * open.
 */
export async function drain(stream: Readable, read: Promise<void>, reading: Reading): Promise<void> {
  let isDone = false;
  const done = read.finally(() => {
    isDone = true;
  });
  const endedAt = Date.now();
  while (!isDone) {
    await Promise.race([done, delay(200)]);
    const quietSince = Math.max(reading.lastChunkAt, endedAt);
    if (!isDone && !reading.isHandingOver && Date.now() - quietSince > QUIET_PIPE_MS) stream.destroy();
  }
  await done;
}

/** Whether a stream ended because it was destroyed. */
export function isCut(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE';
}

/** Reads one stream of the agent for as long as its output can be taken. */
export class OutputPipe {
  readonly #stream: Readable;
  readonly #read: Promise<void>;
  readonly #reading: Reading = { lastChunkAt: Date.now(), isHandingOver: false };

  constructor(stream: Readable, type: 'STDOUT' | 'STDERR', onOutput: AgentStart['onOutput']) {
    this.#stream = stream;
    this.#read = this.#readAll(new LineSplitter(type), onOutput);
    this.#read.catch(() => undefined);
  }

  /** After the agent's end. Resolves when all was handed over. */
  drain(): Promise<void> {
    return drain(this.#stream, this.#read, this.#reading);
  }

  async #readAll(splitter: LineSplitter, onOutput: AgentStart['onOutput']): Promise<void> {
    try {
      for await (const chunk of this.#stream) {
        this.#reading.lastChunkAt = Date.now();
        this.#reading.isHandingOver = true;
        await onOutput(splitter.push(chunk as Buffer));
        this.#reading.isHandingOver = false;
      }
    } catch (error) {
      if (!isCut(error)) throw error;
    }
    await onOutput(splitter.end());
  }
}
