import { lchown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SpawnTaskPayload } from '../platform/protocol.ts';
import type { Agent, AgentStart } from './agents/agent.ts';
import { agentEnvironment } from './agents/environment.ts';
import { startAgent } from './agents/start.ts';
import type { RunContext } from './run-context.ts';
import { runKey, scratchDirectory } from './run-record.ts';
import type { Worktree } from './worktrees.ts';

export interface RunStart extends Pick<AgentStart, 'onOutput' | 'onProcess' | 'conversation'> {
  readonly payload: SpawnTaskPayload;
  readonly toolKey: string | null;
  readonly worktree: Worktree | null;
  /** Aborted when the agent is not to be started any more. */
  readonly signal: AbortSignal;
}

/**
 * Makes, restores or finds the working copy of a task; null: it works in none.
 * @param complain takes what went wrong with it and does not keep the task from being done
 */
export async function prepareCopy(
  context: RunContext,
  payload: SpawnTaskPayload,
  signal: AbortSignal,
  complain: (text: string) => Promise<void>,
): Promise<Worktree | null> {
  const { worktrees } = context;
  if (payload.worktree === null) return null;
  if (payload.worktree.mode === 'SHARED') return worktrees.get(payload.worktree.id);
  return worktrees.create(payload, AbortSignal.any([signal, context.signal]), complain);
}

/** Starts the agent of a task. @throws AgentStartError, the signal's reason */
export async function startRunAgent(context: RunContext, start: RunStart): Promise<Agent> {
  const { paths, profiles, baseEnv, agentUser, binDir, serverUrl } = context;
  const { payload, toolKey, worktree, signal } = start;
  const profile = Object.hasOwn(profiles, payload.agent) ? profiles[payload.agent] : undefined;
  if (!profile) {
    throw new Error(
      `This daemon has no agent profile ${payload.agent}; it has ${Object.keys(profiles).join(', ')}. Add it, or name another.`,
    );
  }
  const { taskId, attempt, contractId, plan, recovery } = payload;
  const runId = runKey(taskId, attempt);
  const planFile = join(paths.plans, `${runId}.md`);
  await mkdir(paths.plans, { recursive: true, mode: 0o700 });
  await writeFile(planFile, plan, { mode: 0o600 });
  if (agentUser) await lchown(planFile, agentUser.uid, agentUser.gid);
  const cwd = worktree?.copy.path ?? scratchDirectory(paths, taskId);
  if (!worktree) {
    await mkdir(cwd, { recursive: true, mode: 0o700 });
    if (agentUser) await lchown(cwd, agentUser.uid, agentUser.gid);
  }
  signal.throwIfAborted();

  const env = agentEnvironment({
    baseEnv: { ...baseEnv, ...profile.env },
    binDir,
    serverUrl,
    toolKey,
    taskId,
    contractId,
    runId,
    plan,
    planFile,
    recovery,
  });
  // One that has conversations is told it, and its log shows what it is told.
  if (recovery !== null && profile.kind === 'command')
    await start.onOutput([{ type: 'SYSTEM', content: recovery, createdAt: new Date().toISOString() }]);
  const { onOutput, onProcess, conversation } = start;
  return startAgent(profile, {
    plan,
    planFile,
    cwd,
    env,
    runId,
    user: agentUser,
    onOutput,
    onProcess,
    conversation,
  });
}
