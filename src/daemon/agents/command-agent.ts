import { setTimeout as delay } from 'node:timers/promises';
import type { Agent, AgentExit, AgentStart } from './agent.ts';
import { OutputPipe, rememberChild, startChild } from './child.ts';
import { signalProcesses, stopProcesses } from './process-group.ts';
import type { CommandProfile } from './profiles.ts';

/** What the agent started and left behind gets this long to end by itself after it. */
const LEFTOVER_GRACE_MS = 1_000;

/**
 * Starts an executable in a process group of its own, with the plan on its stdin.
 * @throws AgentStartError when there is no such executable or it may not be run
 */
export async function startCommandAgent(
  profile: CommandProfile,
  start: Omit<AgentStart, 'conversation'>,
): Promise<Agent> {
  const args = profile.args.map((arg) => arg.replaceAll('{planFile}', start.planFile));
  const child = await startChild({ command: profile.command, args }, start);
  const { processes, exited } = child;
  // At once: of a process that ends before anybody reads it Node throws the output away.
  const pipes = [
    new OutputPipe(child.stdout, 'STDOUT', start.onOutput),
    new OutputPipe(child.stderr, 'STDERR', start.onOutput),
  ];
  await rememberChild(child, start);
  child.stdin.end(start.plan);

  const ended = (async (): Promise<AgentExit> => {
    const exit = await exited;
    await stopProcesses(processes, LEFTOVER_GRACE_MS);
    await Promise.all(pipes.map((pipe) => pipe.drain()));
    return exit;
  })();
  // Whoever waits is told; that nobody waits yet is no reason to end the process.
  ended.catch(() => undefined);
  return {
    ended,
    async stop(graceMs, patienceMs = 0) {
      if (patienceMs > 0) await Promise.race([exited, delay(patienceMs, undefined, { ref: false })]);
      await stopProcesses(processes, graceMs);
    },
    async pause() {
      signalProcesses(processes, 'SIGSTOP');
    },
    resume: () => signalProcesses(processes, 'SIGCONT'),
    // It reads its inbox by itself.
    notify: () => undefined,
  };
}
