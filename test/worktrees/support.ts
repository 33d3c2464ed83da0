import { vi } from 'vitest';
import type { Clock } from '../../src/platform/clock.ts';
import type { Answer, Api } from '../support/api.ts';
import { eventually } from '../support/api.ts';
import { type HandDaemon, openContract } from '../support/daemon.ts';

/** Goes on while the time that calls wait by is moved: no daemon is lost by that. */
export const steadyClock: Clock = {
  now: () => new Date(),
  uptimeMs: () => Number(process.hrtime.bigint() / 1_000_000n),
};

/** Lets the minute pass that a call waits for its daemon. It notices within 3 s. */
export async function afterTheMinute<T>(call: Promise<T>): Promise<T> {
  const { now } = performance;
  const moved = vi.spyOn(performance, 'now').mockImplementation(() => now.call(performance) + 61_000);
  try {
    return await call;
  } finally {
    moved.mockRestore();
  }
}

/** A contract whose supervisor works in a copy of a URL, and its command of a type. */
export async function supervised(owner: Api, daemon: HandDaemon, more: object = {}) {
  const { contractId, supervisorId } = await openContract(owner, {
    repositories: [{ url: 'https://github.com/acme/one.git', isPrimary: true }],
    ...more,
  });
  const { agent, command } = await daemon.start(supervisorId);
  return { contractId, supervisorId, agent, worktree: command.payload.worktree };
}

/** The lines that stand in a task's log, of the types that the server itself writes. */
export async function told(owner: Api, taskId: string, pattern: RegExp): Promise<Answer> {
  const query = 'query($id: ID!) { taskOutput(taskId: $id) { nodes { type content isError } } }';
  return eventually(async () => {
    const { taskOutput } = await owner.ask(query, { id: taskId });
    return taskOutput.nodes.find(({ content }: Answer) => pattern.test(content));
  });
}
