import { existsSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Repositories } from '../../src/daemon/repositories.ts';
import { Worktrees } from '../../src/daemon/worktrees.ts';
import { type SpawnTaskPayload, spawnTaskPayloadSchema } from '../../src/platform/protocol.ts';
import { repository } from './git/support.ts';
import { scratch } from './support.ts';

/** None of these copies was on another daemon. */
const download = () => Promise.reject(new Error('nothing to download'));

function place() {
  const root = scratch();
  const allowed = join(root, 'allowed');
  repository(join(allowed, 'My Project.git'));
  repository(join(root, 'private'));
  return { root, allowed, worktrees: worktreesIn(root, allowed) };
}

function worktreesIn(root: string, allowed: string): Worktrees {
  const repositories = new Repositories({
    mirrorsDir: join(root, 'mirrors'),
    bundlesDir: join(root, 'bundles'),
    localPaths: [allowed],
    download,
  });
  return new Worktrees({ dir: join(root, 'worktrees'), repositories });
}

function payload(localPath: string, id = 'worktree_1'): SpawnTaskPayload {
  return spawnTaskPayloadSchema.parse({
    taskId: 'task_1',
    attempt: 1,
    contractId: 'contract_1',
    contractName: 'A contract',
    name: 'A task',
    role: 'WORK',
    plan: '',
    agent: 'shell',
    repository: { url: null, localPath },
    worktree: {
      id,
      mode: 'OWN',
      branch: 'taskmesh/a',
      baseBranch: null,
      baseWorktreeId: null,
      restore: null,
    },
    localOnly: true,
    timeLimitMinutes: null,
    recovery: null,
  });
}

const { signal } = new AbortController();
const note = () => Promise.reject(new Error('nothing to note'));

describe('the working copies of a daemon', () => {
  it('are found again after a restart, and when their repository is gone', async () => {
    const { root, allowed, worktrees } = place();
    const made = await worktrees.create(payload(join(allowed, 'My Project.git')), signal, note);
    expect(made.copy.path).toBe(join(root, 'worktrees', 'worktree_1', 'My-Project'));
    expect(made.record.baseBranch).toBe('main');
    await worktrees.recorded(made, { id: 'checkpoint_1', commitSha: made.copy.baseSha });
    renameSync(allowed, join(root, 'elsewhere'));
    const found = await worktreesIn(root, allowed).get('worktree_1');
    expect(found.copy).toEqual(made.copy);
    expect(found.record.checkpoint?.id).toBe('checkpoint_1');
  });

  it('are made once, whatever comes again', async () => {
    const { allowed, worktrees } = place();
    const first = await worktrees.create(payload(join(allowed, 'My Project.git')), signal, note);
    const second = await worktrees.create(payload(join(allowed, 'My Project.git')), signal, note);
    expect(second).toEqual(first);
  });

  it('are only of repositories inside an allowed directory', async () => {
    const { root, allowed, worktrees } = place();
    symlinkSync(join(root, 'private'), join(allowed, 'link'));
    mkdirSync(`${allowed}-not`);
    for (const path of [
      join(root, 'private'),
      join(allowed, 'link'),
      join(allowed, '..', 'private'),
      `${allowed}/../private`,
      `${allowed}-not`,
      root,
      join(root, 'missing'),
      'relative',
    ]) {
      await expect(worktrees.create(payload(path), signal, note), path).rejects.toThrow(
        /may not use the repository/,
      );
    }
    expect(existsSync(join(root, 'mirrors'))).toBe(false);
  });

  it('say that a repository is missing where it may be looked for', async () => {
    const { allowed, worktrees } = place();
    await expect(worktrees.create(payload(join(allowed, 'missing')), signal, note)).rejects.toMatchObject({
      code: 'REPOSITORY_NOT_FOUND',
    });
  });

  it('refuse ids that are paths', async () => {
    const { allowed, worktrees } = place();
    const path = join(allowed, 'My Project.git');
    await expect(worktrees.create(payload(path, '../../out'), signal, note)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
    await expect(worktrees.find('../worktrees')).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});
