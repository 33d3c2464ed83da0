import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deliverBranch } from '../../../src/daemon/git/deliver.ts';
import { snapshot } from '../../../src/daemon/git/snapshot.ts';
import { keeper } from './kept.ts';
import { build, commit, listing, refs, run, write } from './support.ts';

/** A finished branch, and another clone of the repository on the same machine. */
const place = keeper(async (root) => {
  const made = await build(root);
  const copy = await made.copy('t1');
  write(copy.path, { 'new.txt': 'new\n' });
  const { commitSha } = await snapshot({ mirror: made.mirror, copy, message: 'work', moveBranch: true });
  run(made.root, 'clone', '-q', 'origin', 'target');
  const target = join(made.root, 'target');
  const deliver = (directory = target, branch = copy.branch, id = commitSha) =>
    deliverBranch({ mirror: made.mirror, branch, commit: id, directory });
  return { ...made, worked: copy, commitSha, target, deliver };
});
const state = (dir: string) => [listing(dir).filter((line) => !line.startsWith('.git/objects')), refs(dir)];

describe('deliverBranch', () => {
  it('makes the branch beside what is checked out, moves it forward, and does nothing the second time', async () => {
    const { mirror, worked, target, commitSha, deliver } = await place();
    await deliver();
    expect(run(target, 'rev-parse', worked.branch)).toBe(commitSha);
    expect(run(target, 'status', '--porcelain', '--branch')).toBe('## main...origin/main');
    const before = state(target);
    await deliver();
    expect(state(target)).toEqual(before);
    write(worked.path, { 'more.txt': 'more\n' });
    const next = await snapshot({ mirror, copy: worked, message: 'more', moveBranch: true });
    await deliver(target, worked.branch, next.commitSha);
    expect(run(target, 'rev-parse', worked.branch)).toBe(next.commitSha);
  });

  it('brings a clean checkout along, and leaves a dirty one', async () => {
    const { mirror, worked, target, deliver } = await place();
    await deliver();
    run(target, 'checkout', '-q', worked.branch);
    write(worked.path, { 'new.txt': 'newer\n' });
    const next = await snapshot({ mirror, copy: worked, message: 'more', moveBranch: true });
    write(target, { 'README.md': 'mine\n' });
    const before = state(target);
    await expect(deliver(target, worked.branch, next.commitSha)).rejects.toMatchObject({
      code: 'TARGET_DIRTY',
    });
    expect(state(target)).toEqual(before);
    run(target, 'checkout', '-q', 'README.md');
    await deliver(target, worked.branch, next.commitSha);
    expect(readFileSync(join(target, 'new.txt'), 'utf8')).toBe('newer\n');
  });

  it('never moves a branch that has other commits', async () => {
    const { worked, target, deliver } = await place();
    run(target, 'checkout', '-q', '-b', worked.branch);
    commit(target, { 'mine.txt': 'mine' });
    const before = state(target);
    await expect(deliver()).rejects.toMatchObject({ code: 'TARGET_MOVED' });
    expect(state(target)).toEqual(before);
  });

  it('takes nothing for the repository that only lies in one', async () => {
    const { target, deliver } = await place();
    const inside = join(target, 'inside');
    mkdirSync(inside);
    const before = refs(target);
    await expect(deliver(inside)).rejects.toMatchObject({ code: 'REPOSITORY_NOT_FOUND' });
    expect(refs(target)).toBe(before);
  });
});
