import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openMirror, resolveCommit } from '../../../src/daemon/git/mirror.ts';
import { publishBranch } from '../../../src/daemon/git/publish.ts';
import { snapshot } from '../../../src/daemon/git/snapshot.ts';
import { keeper } from './kept.ts';
import { build, commit, listing, refs, run, tryRun, write } from './support.ts';

/** A repository, and a commit on top of its `main` that is to be published. */
async function prepare(root: string, bare: boolean) {
  const made = await build(root, { files: { 'a.txt': 'a\n', '.gitignore': '*.log\n' }, bare });
  const copy = await made.copy('t1');
  write(copy.path, { 'a.txt': 'new\n', 'b.txt': 'b\n' });
  const { commitSha } = await snapshot({ mirror: made.mirror, copy, message: 'work', moveBranch: true });
  const publish = (branch = 'main', expectedOld: string | null = copy.baseSha, id = commitSha) =>
    publishBranch({ mirror: made.mirror, branch, commit: id, expectedOld });
  return { ...made, base: copy.baseSha, commitSha, publish };
}
const local = keeper((root) => prepare(root, false));
const remote = keeper((root) => prepare(root, true));
const prepared = ({ bare }: { bare?: boolean } = {}) => (bare ? remote : local)();

/** Everything about the person's repository but the objects, which nobody sees. */
const state = (origin: string) => [
  listing(origin).filter((line) => !line.startsWith('.git/objects')),
  refs(origin),
];

describe("publishBranch to a person's directory", () => {
  it('brings a clean checkout along', async () => {
    const { origin, commitSha, publish, mirror } = await prepared();
    await publish();
    expect(run(origin, 'rev-parse', 'main')).toBe(commitSha);
    expect(run(origin, 'status', '--porcelain')).toBe('');
    expect(readFileSync(join(origin, 'a.txt'), 'utf8')).toBe('new\n');
    expect(await resolveCommit(mirror, 'main')).toBe(commitSha);
    expect(refs(mirror.dir)).not.toContain('publish');
  });

  it.each([
    ['with an edited file', (dir: string) => write(dir, { 'a.txt': 'mine\n' })],
    [
      'with a staged file',
      (dir: string) => {
        write(dir, { 'c.txt': 'mine\n' });
        run(dir, 'add', 'c.txt');
      },
    ],
    ['with an untracked file in the way', (dir: string) => write(dir, { 'b.txt': 'mine\n' })],
  ])('refuses a checkout %s, and leaves it untouched', async (_title, spoil) => {
    const { origin, publish } = await prepared();
    spoil(origin);
    const before = state(origin);
    await expect(publish()).rejects.toMatchObject({ code: 'TARGET_DIRTY' });
    expect(state(origin)).toEqual(before);
  });

  it('never overwrites a file that git ignores', async () => {
    const { origin, mirror, copy } = await prepared();
    const other = await copy('t2');
    write(other.path, { 'x.log': 'theirs' });
    run(other.path, 'add', '-f', 'x.log');
    run(other.path, 'commit', '-q', '-m', 'forced');
    const forced = run(other.path, 'rev-parse', 'HEAD');
    await snapshot({ mirror, copy: other, message: 's' });
    expect(run(mirror.dir, 'ls-tree', '--name-only', forced)).toContain('x.log');
    write(origin, { 'x.log': 'mine' });
    const published = publishBranch({ mirror, branch: 'main', commit: forced, expectedOld: other.baseSha });
    await expect(published).rejects.toMatchObject({ code: 'TARGET_DIRTY' });
    expect(readFileSync(join(origin, 'x.log'), 'utf8')).toBe('mine');
  });

  it.each([
    [
      'a rebase',
      (dir: string) => {
        run(dir, 'checkout', '-q', '-b', 'side', 'HEAD');
        commit(dir, { 'a.txt': 'side\n' });
        run(dir, 'checkout', '-q', 'main');
        commit(dir, { 'a.txt': 'main\n' });
        run(dir, 'checkout', '-q', 'side');
        expect(tryRun(dir, 'rebase', 'main')).not.toBe(0);
      },
    ],
    [
      'a merge',
      (dir: string) => {
        run(dir, 'checkout', '-q', '-b', 'side');
        commit(dir, { 's.txt': 's' });
        run(dir, 'checkout', '-q', 'main');
        run(dir, 'merge', '-q', '--no-ff', '--no-commit', 'side');
      },
    ],
    ['a bisection', (dir: string) => run(dir, 'bisect', 'start')],
    [
      'a cherry-pick',
      (dir: string) => write(dir, { '.git/CHERRY_PICK_HEAD': `${run(dir, 'rev-parse', 'HEAD')}\n` }),
    ],
  ])('refuses in the middle of %s, and leaves it untouched', async (_title, begin) => {
    const { origin, publish } = await prepared();
    begin(origin);
    const before = state(origin);
    await expect(publish('main', run(origin, 'rev-parse', 'main'))).rejects.toMatchObject({
      code: expect.stringMatching(/^TARGET_(?:DIRTY|MOVED)$/),
    });
    await expect(publish('fresh', null)).rejects.toMatchObject({ code: 'TARGET_DIRTY' });
    expect(state(origin)).toEqual(before);
  });

  it('looks at linked worktrees too', async () => {
    const { root, origin, publish, commitSha } = await prepared();
    run(origin, 'checkout', '-q', '-b', 'elsewhere');
    run(origin, 'worktree', 'add', '-q', join(root, 'linked'), 'main');
    write(join(root, 'linked'), { 'a.txt': 'mine\n' });
    await expect(publish()).rejects.toMatchObject({ code: 'TARGET_DIRTY', path: join(root, 'linked') });
    run(join(root, 'linked'), 'checkout', '-q', '.');
    await publish();
    expect(run(join(root, 'linked'), 'rev-parse', 'HEAD')).toBe(commitSha);
    expect(run(join(root, 'linked'), 'status', '--porcelain')).toBe('');
  });

  it('moves a branch that is not checked out, and leaves the checkout alone', async () => {
    const { origin, publish, commitSha } = await prepared();
    run(origin, 'checkout', '-q', '-b', 'elsewhere');
    write(origin, { 'a.txt': 'uncommitted\n' });
    await publish();
    expect(run(origin, 'rev-parse', 'main')).toBe(commitSha);
    expect(readFileSync(join(origin, 'a.txt'), 'utf8')).toBe('uncommitted\n');
    expect(run(origin, 'symbolic-ref', 'HEAD')).toBe('refs/heads/elsewhere');
  });

  it('creates a branch, but not one that is there', async () => {
    const { origin, publish, commitSha, base } = await prepared();
    await publish('feature/new', null);
    expect(run(origin, 'rev-parse', 'feature/new')).toBe(commitSha);
    await expect(publish('main', null)).rejects.toMatchObject({ code: 'TARGET_MOVED', actual: base });
  });

  it('refuses when the branch moved, and what does not descend from it', async () => {
    const { origin, publish, base } = await prepared();
    const moved = commit(origin, { 'c.txt': 'c' });
    await expect(publish()).rejects.toMatchObject({ code: 'TARGET_MOVED', expected: base, actual: moved });
    await expect(publish('main', base, base)).rejects.toMatchObject({ code: 'TARGET_MOVED' });
    expect(run(origin, 'rev-parse', 'main')).toBe(moved);
  });

  it('publishes to a bare directory, also its HEAD', async () => {
    const { root, origin, commitSha, base } = await prepared();
    run(root, 'clone', '-q', '--bare', 'origin', 'bare.git');
    const mirror = await openMirror({
      mirrorsDir: join(root, 'mirrors'),
      source: { localPath: join(root, 'bare.git') },
    });
    run(mirror.dir, 'fetch', '-q', join(root, 'copies/t1'), 'taskmesh/t1:refs/taskmesh/x');
    await publishBranch({ mirror, branch: 'main', commit: commitSha, expectedOld: base });
    expect(run(join(root, 'bare.git'), 'rev-parse', 'HEAD')).toBe(commitSha);
    expect(run(origin, 'rev-parse', 'main')).toBe(base);
  });

  it("runs none of the person's hooks", async () => {
    const { root, origin, publish } = await prepared();
    for (const hook of ['post-merge', 'reference-transaction', 'post-checkout', 'post-index-change']) {
      write(origin, { [`.git/hooks/${hook}`]: `#!/bin/sh\ntouch ${root}/canary\n` });
      chmodSync(join(origin, '.git/hooks', hook), 0o755);
    }
    await publish();
    expect(existsSync(join(root, 'canary'))).toBe(false);
  });
});

describe('publishBranch to a remote', () => {
  it('pushes, creates, and reads back', async () => {
    const { origin, publish, commitSha } = await prepared({ bare: true });
    await publish();
    await publish('feature/new', null);
    expect(refs(origin)).toBe(`refs/heads/feature/new ${commitSha}\nrefs/heads/main ${commitSha}`);
  });

  it('never replaces what somebody else pushed', async () => {
    const { root, origin, publish } = await prepared({ bare: true });
    run(root, 'clone', '-q', origin, 'other');
    const theirs = commit(join(root, 'other'), { y: 'y' });
    run(join(root, 'other'), 'push', '-q', 'origin', 'main');
    await expect(publish()).rejects.toMatchObject({ code: 'TARGET_MOVED' });
    await expect(publish('main', null)).rejects.toMatchObject({ code: 'TARGET_MOVED' });
    expect(run(origin, 'rev-parse', 'main')).toBe(theirs);
  });

  it('fails when the remote has it checked out, and leaves that alone', async () => {
    const { root, commitSha, base } = await prepared({ bare: true });
    const origin = join(root, 'origin');
    const mirror = await openMirror({
      mirrorsDir: join(root, 'mirrors'),
      source: { url: `file://${origin}` },
    });
    run(mirror.dir, 'fetch', '-q', join(root, 'copies/t1'), 'taskmesh/t1:refs/taskmesh/x');
    const before = state(origin);
    await expect(
      publishBranch({ mirror, branch: 'main', commit: commitSha, expectedOld: base }),
    ).rejects.toMatchObject({
      code: 'GIT_FAILED',
    });
    expect(state(origin)).toEqual(before);
  });
});

describe('publishBranch with leave to rewrite', () => {
  /** The branch `ours` is at a commit, from which it is to go back to where that started. */
  async function published(options: { bare?: boolean } = {}) {
    const made = await prepared(options);
    await made.publish('ours', null);
    const back = (expectedOld = made.commitSha) =>
      publishBranch({ mirror: made.mirror, branch: 'ours', commit: made.base, expectedOld, rewrite: true });
    return { ...made, back };
  }

  it.each([{ bare: true }, {}])('moves the branch back from exactly where it was: %o', async (options) => {
    const { origin, base, back } = await published(options);
    const main = run(origin, 'rev-parse', 'main');
    await back();
    expect([run(origin, 'rev-parse', 'ours'), run(origin, 'rev-parse', 'main')]).toEqual([base, main]);
  });

  it.each([{ bare: true }, {}])('never takes away what somebody added to it: %o', async (options) => {
    const { root, origin, back } = await published(options);
    run(root, 'clone', '-q', '-b', 'ours', origin, 'other');
    const theirs = commit(join(root, 'other'), { y: 'y' });
    run(join(root, 'other'), 'push', '-q', 'origin', 'ours');
    const before = state(origin);
    await expect(back()).rejects.toMatchObject({ code: 'TARGET_MOVED' });
    expect(run(origin, 'rev-parse', 'ours')).toBe(theirs);
    expect(state(origin)).toEqual(before);
  });

  it('leaves a branch alone that somebody has checked out, also in a linked worktree', async () => {
    const { root, origin, back } = await published();
    run(origin, 'worktree', 'add', '-q', join(root, 'linked'), 'ours');
    const before = [state(origin), listing(join(root, 'linked'))];
    await expect(back()).rejects.toMatchObject({ code: 'TARGET_MOVED' });
    expect([state(origin), listing(join(root, 'linked'))]).toEqual(before);
  });
});
