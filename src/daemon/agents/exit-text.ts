import type { AgentExit } from './agent.ts';

/** How a process ended, in words. */
export function exitText({ code, signal }: Pick<AgentExit, 'code' | 'signal'>): string {
  return code === null ? `was killed by ${signal ?? 'a signal'}` : `exited with code ${code}`;
}
