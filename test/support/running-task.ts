import type { Api } from './api.ts';
import { type HandDaemon, openContract, spawn } from './daemon.ts';

export interface RunningTask {
  readonly contractId: string;
  readonly supervisorId: string;
  readonly taskId: string;
  readonly supervisor: Api;
  readonly agent: Api;
}

/** A contract with its supervisor and one work task, both RUNNING in their first attempt. */
export async function runningTask(owner: Api, daemon: HandDaemon): Promise<RunningTask> {
  const { contractId, supervisorId } = await openContract(owner);
  const supervisor = await daemon.start(supervisorId);
  const taskId = await spawn(owner, contractId);
  const task = await daemon.start(taskId);
  return { contractId, supervisorId, taskId, supervisor: supervisor.agent, agent: task.agent };
}

/** `prefix 0`, `prefix 1` … */
export function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix} ${index}`);
}
