import { renameSync, symlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createBranch } from '../../src/daemon/branching.ts';
import type { RunContext } from '../../src/daemon/run-context.ts';
import { commit, run, world } from './git/support.ts';

const { signal } = new AbortController();

async function place() {
  const here = await world();
  const copy = await here.copy('one');
  const worktrees = { get: async () => ({ mirror: here.mirror, copy }) };
  // All that making a branch needs of the daemon.
  const context = { worktrees, signal } as unknown as RunContext;
  const create = (id: string, isResumed: boolean, more: object = {}) =>
    createBranch(context, {
      id,
      isResumed,
      toolKey: null,
      payload: {
        taskId: 't',
        worktreeId: copy.worktreeId,
        branchName: 'b',
        fromRef: null,
        publish: true,
        ...more,
      },
    });
  return { origin: here.origin, copy, create };
}

describe('a branch whose making a crash cut short', () => {
  it('is made at the commit that it was begun with, also when the agent has gone on', async () => {
    const { copy, origin, create } = await place();
    const first = await create('command_1', false);
    // As if it had died between the copy and the repository.
    run(origin, 'update-ref', '-d', 'refs/heads/b');
    commit(copy.path, { 'more.txt': 'more' });
    expect(await create('command_1', true)).toEqual(first);
    expect(run(origin, 'rev-parse', 'b')).toBe(first.commitSha);
  });

  it('is judged anew when nothing had been begun: another command made the one that is there', async () => {
    const { copy, create } = await place();
    const { commitSha } = await create('command_1', false);
    const head = commit(copy.path, { 'more.txt': 'more' });
    const refused = await create('command_2', true).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'BRANCH_EXISTS' });
    expect((refused as Error).message).toContain(commitSha);
    expect((refused as Error).message).toContain(head);
  });
});

describe('a working copy that an agent has broken', () => {
  it('is told to be broken, and nothing reaches the repository', async () => {
    const { copy, origin, create } = await place();
    const before = run(origin, 'for-each-ref');
    renameSync(`${copy.path}/.git`, `${copy.path}/elsewhere`);
    symlinkSync(`${copy.path}/elsewhere`, `${copy.path}/.git`);
    await expect(create('command_1', false)).rejects.toMatchObject({ code: 'WORKING_COPY_BROKEN' });
    expect(run(origin, 'for-each-ref')).toBe(before);
  });
});

describe('two at once', () => {
  it('make one branch, the same for both', async () => {
    const { origin, create } = await place();
    const [one, two] = await Promise.all([create('command_1', false), create('command_2', false)]);
    expect(one).toEqual(two);
    expect(run(origin, 'rev-parse', 'b')).toBe(one?.commitSha);
  });
});
