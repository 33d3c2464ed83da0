import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { LineSplitter } from '../output.ts';
import { type Agent, type AgentExit, type AgentStart, AgentStartError } from './agent.ts';
import { type RunProcesses, signalProcesses, startTimeOf, stopProcesses } from './process-group.ts';
import type { CommandProfile } from './profiles.ts';

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** What the agent started and left behind gets this long to end by itself after it. */
const LEFTOVER_GRACE_MS = 1_000;
/**
 * A pipe that somebody beyond our reach holds open, and that nothing comes through, is given up after this
 * long.
 */
const QUIET_PIPE_MS = 2_000;

/**
 * Starts an executable in a process group of its own, with the plan on its stdin.
 * @throws AgentStartError when there is no such executable or it may not be run
 */
export async function startCommandAgent(profile: CommandProfile, start: AgentStart): Promise<Agent> {
  if (!(await stat(start.cwd).catch(() => null))?.isDirectory()) {
    throw new AgentStartError(
      `The directory ${start.cwd}, in which the agent was to run, is gone. Retry the task.`,
    );
  }
  const args = profile.args.map((arg) => arg.replaceAll('{planFile}', start.planFile));
  const child = spawn(profile.command, args, {
    cwd: start.cwd,
    env: start.env,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const exited = new Promise<AgentExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const pid = await spawned(child, profile);
  const run: RunProcesses = { pid, startTime: startTimeOf(pid), runId: start.runId };

  // An agent that does not read its plan closes the pipe early: EPIPE, and no fault of anybody.
  child.stdin.on('error', () => undefined);
  child.stdin.end(start.plan);

  const pipes = [
    new Pipe(child.stdout, 'STDOUT', start.onOutput),
    new Pipe(child.stderr, 'STDERR', start.onOutput),
  ];
  const ended = (async () => {
    const exit = await exited;
    await stopProcesses(run, LEFTOVER_GRACE_MS);
    await Promise.all(pipes.map((pipe) => pipe.drain()));
    return exit;
  })();
  // Whoever waits is told; that nobody waits yet is no reason to end the process.
  ended.catch(() => undefined);
  return {
    pid,
    startTime: run.startTime,
    exited,
    ended,
    stop: (graceMs) => stopProcesses(run, graceMs),
    pause: () => signalProcesses(run, 'SIGSTOP'),
    resume: () => signalProcesses(run, 'SIGCONT'),
  };
}

function spawned(child: Child, profile: CommandProfile): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child.pid as number));
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(new AgentStartError(startFailure(profile, error), { cause: error })),
    );
  });
}

function startFailure(profile: CommandProfile, error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') {
    return `There is no executable ${profile.command} on the daemon's PATH. Install it there, or correct the agent's profile.`;
  }
  if (error.code === 'EACCES')
    return `${profile.command} may not be executed by the daemon. Check its permissions.`;
  return `${profile.command} could not be started: ${error.message}`;
}

/** Reads one stream of the agent for as long as its output can be taken. */
class Pipe {
  readonly #stream: Readable;
  readonly #reading: Promise<void>;
  #lastChunkAt = Date.now();
  #isHandingOver = false;

  constructor(stream: Readable, type: 'STDOUT' | 'STDERR', onOutput: AgentStart['onOutput']) {
    this.#stream = stream;
    this.#reading = this.#read(new LineSplitter(type), onOutput);
    this.#reading.catch(() => undefined);
  }

  async #read(splitter: LineSplitter, onOutput: AgentStart['onOutput']): Promise<void> {
    try {
      for await (const chunk of this.#stream) {
        this.#lastChunkAt = Date.now();
        this.#isHandingOver = true;
        await onOutput(splitter.push(chunk as Buffer));
        this.#isHandingOver = false;
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    }
    await onOutput(splitter.end());
  }

  /**
   * After the agent's end: waits until all was read, or until only somebody who got away holds the pipe open.
   */
  async drain(): Promise<void> {
    let isDone = false;
    const done = this.#reading.finally(() => {
      isDone = true;
    });
    const endedAt = Date.now();
    while (!isDone) {
      await Promise.race([done, delay(200)]);
      const quietSince = Math.max(this.#lastChunkAt, endedAt);
      if (!isDone && !this.#isHandingOver && Date.now() - quietSince > QUIET_PIPE_MS) this.#stream.destroy();
    }
    await done;
  }
}
