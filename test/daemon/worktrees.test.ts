import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commit, refs, repository, run, write } from './git/support.ts';
import { Machine } from './machine.ts';
import { scratch } from './support.ts';

function place() {
  const root = scratch();
  const allowed = join(root, 'allowed');
  const machine = new Machine({ root, localPaths: [allowed] });
  machine.repository('private');
  return { root, allowed, machine, repo: machine.repository('allowed/My Project.git') };
}

describe('the working copies of a daemon', () => {
  it('are found again after a restart, and when their repository is gone', async () => {
    const { root, allowed, machine, repo } = place();
    const made = await machine.make(repo, 'worktree_1');
    expect(made.copy.path).toBe(join(root, 'worktrees', 'worktree_1', 'My-Project'));
    expect(made.record.baseBranch).toBe('main');
    await machine.context.worktrees.recorded(made, { id: 'checkpoint_1', commitSha: made.copy.baseSha });
    renameSync(allowed, join(root, 'elsewhere'));
    const found = await machine.restarted().context.worktrees.get('worktree_1');
    expect(found.copy).toEqual(made.copy);
    expect(found.record.checkpoint?.id).toBe('checkpoint_1');
  });

  it('are made once, whatever comes again', async () => {
    const { machine, repo } = place();
    const first = await machine.make(repo, 'worktree_1');
    expect(await machine.make(repo, 'worktree_1')).toEqual(first);
  });

  it('are only of repositories inside an allowed directory', async () => {
    const { root, allowed, machine } = place();
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
      await expect(machine.make(path, 'worktree_1'), path).rejects.toThrow(/may not use the repository/);
    }
    expect(existsSync(join(root, 'mirrors'))).toBe(false);
  });

  it('say that a repository is missing where it may be looked for', async () => {
    const { allowed, machine } = place();
    await expect(machine.make(join(allowed, 'missing'), 'worktree_1')).rejects.toMatchObject({
      code: 'REPOSITORY_NOT_FOUND',
    });
  });

  it('refuse ids that are paths', async () => {
    const { machine, repo } = place();
    const refused = { code: 'INVALID_INPUT' };
    await expect(machine.make(repo, '../../out')).rejects.toMatchObject(refused);
    await expect(machine.context.worktrees.find('../worktrees')).rejects.toMatchObject(refused);
  });
});

describe('a working copy that starts at a commit', () => {
  it('of the repository is compared with it, and one that is not there is said to be missing', async () => {
    const { machine, repo } = place();
    const first = run(repo, 'rev-parse', 'HEAD');
    commit(repo, { 'later.txt': 'later' });
    const made = await machine.make(repo, 'w1', { startCommit: first });
    expect(made.copy.baseSha).toBe(first);
    expect(existsSync(join(made.copy.path, 'later.txt'))).toBe(false);
    const unknown = 'f'.repeat(40);
    await expect(machine.make(repo, 'w2', { startCommit: unknown })).rejects.toMatchObject({
      code: 'REVISION_NOT_FOUND',
      message: `There is no commit ${unknown} in this repository`,
    });
    for (const name of ['main', 'HEAD', '--upload-pack=x', first.slice(0, 12)])
      await expect(machine.make(repo, 'w2', { startCommit: name }), name).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      });
    expect(existsSync(join(machine.root, 'worktrees', 'w2', 'worktree.json'))).toBe(false);
  });
});

describe('a URL that names a directory of this machine', () => {
  it.each([
    ['a file URL', (path: string) => `file://${path}`],
    ['an encoded one', (path: string) => `file://${path.replace('secret', '%73ecret')}`],
    ['one in capitals', (path: string) => `FILE://${path}`],
    ['a path', (path: string) => path],
    [
      'one by a link in an allowed place',
      (path: string, allowed: string) => {
        symlinkSync(path, join(allowed, 'link'));
        return `file://${join(allowed, 'link')}`;
      },
    ],
  ])('is refused outside of what the daemon may use: %s', async (_, urlOf) => {
    const elsewhere = repository(join(scratch(), 'secret'));
    const machine = new Machine();
    await expect(machine.make({ url: urlOf(elsewhere, machine.root) }, 'w1')).rejects.toMatchObject({
      code: 'FORBIDDEN_PATH',
    });
    expect(existsSync(join(machine.root, 'mirrors'))).toBe(false);
  });

  it('is taken inside of it, and stays the directory that it was then', async () => {
    const machine = new Machine();
    machine.repository('a %20 ü?#');
    symlinkSync(join(machine.root, 'a %20 ü?#'), join(machine.root, 'link'));
    const made = await machine.make({ url: `file://${join(machine.root, 'link')}` }, 'w1');
    const found = await machine.context.worktrees.get('w1');
    expect(found.mirror.source).toEqual(made.mirror.source);
    const encoded = encodeURI(join(machine.root, 'a %20 ü')).concat('%3F%23');
    expect(made.mirror.source).toEqual({ url: `file://${encoded}` });
  });
});

describe('a checkpoint of another machine', () => {
  /** Two machines that share a remote and the server; the first has worked and saved. */
  async function two() {
    const one = new Machine();
    const two = new Machine({ store: one.store, localPaths: [one.root] });
    const origin = one.repository('origin', { 'README.md': 'one\ntwo\nthree\nfour\n', 'old.txt': 'old\n' });
    run(one.root, 'clone', '-q', '--bare', origin, 'remote.git');
    const remote = { url: `file://${join(one.root, 'remote.git')}` };
    // The second has seen the repository before there was what the first starts from.
    await two.make(remote, 'early');
    const base = commit(origin, { 'base.txt': 'only at the remote' });
    run(origin, 'push', '-q', join(one.root, 'remote.git'), 'main');
    const made = await one.make(remote, 'w1');
    expect(made.copy.baseSha).toBe(base);
    return { one, two, remote, made, path: made.copy.path };
  }

  it('is restored there to the byte: new, binary, empty, renamed, deleted, executable, linked, committed or not', async () => {
    const { one, two: other, remote, path } = await two();
    const agents = commit(path, { 'bin.dat': Buffer.from([0, 1, 255]), 'run.sh': 'echo\n' }, 'By the agent');
    run(path, 'mv', 'README.md', 'docs.md');
    run(path, 'rm', '-q', 'old.txt');
    write(path, { empty: '', 'docs.md': 'one\n2\nthree\nfour\n', 'dir/new ü.txt': 'new' });
    run(path, 'update-index', '--chmod=+x', 'run.sh');
    run(path, 'checkout', '-q', '--', 'run.sh');
    symlinkSync('/etc/passwd', join(path, 'link'));
    // More than one part of a MiB, and not to be compressed.
    const noise = randomBytes(2_500_000);
    write(path, { noise });
    const { created, checkpointId } = await one.checkpoint('w1');
    const saved = one.store.last;
    expect([created, checkpointId, saved.parts]).toEqual([true, saved.id, 3]);
    expect(await one.checkpoint('w1')).toMatchObject({ created: false, checkpointId });
    expect(saved.diff).toMatchObject({ baseSha: saved.baseSha, headSha: saved.commitSha, truncated: false });
    const changed = new Map(saved.diff.files.map((file) => [file.path, file]));
    expect(changed.get('docs.md')).toMatchObject({ oldPath: 'README.md', status: 'RENAMED', linesAdded: 1 });
    expect(changed.get('old.txt')).toMatchObject({ status: 'DELETED' });
    expect(changed.get('noise')).toMatchObject({ binary: true });

    const restored = await other.make(remote, 'w2', { restore: one.store.restore(saved) });
    expect(run(restored.copy.path, 'rev-parse', 'HEAD', 'HEAD^')).toBe(`${saved.commitSha}\n${agents}`);
    expect(restored.copy.baseSha).toBe(saved.baseSha);
    expect(readFileSync(join(restored.copy.path, 'noise')).equals(noise)).toBe(true);
    expect(run(restored.copy.path, 'ls-files', '--stage')).toBe(
      run(
        restored.mirror.dir,
        'ls-tree',
        '-r',
        '--format=%(objectmode) %(objectname) 0\t%(path)',
        saved.commitSha,
      ),
    );
    expect(run(restored.copy.path, 'status', '--porcelain')).toBe('');
    expect(await other.checkpoint('w2')).toMatchObject({ created: false, checkpointId: saved.id });
  });

  it('is where a new copy starts, with its commit as the base', async () => {
    const { one, two: other, remote, path } = await two();
    write(path, { 'mine.txt': 'mine' });
    await one.checkpoint('w1');
    const start = one.store.restore(one.store.last);
    const begun = await other.make(remote, 'w2', { start, startCommit: 'f'.repeat(40) });
    expect(begun.copy.baseSha).toBe(start.commitSha);
    expect(readFileSync(join(begun.copy.path, 'mine.txt'), 'utf8')).toBe('mine');
    // It has no checkpoint of its own until it changes something; then that can be restored where nobody has the base.
    expect(await other.checkpoint('w2')).toMatchObject({ created: false, checkpointId: null });
    write(begun.copy.path, { 'more.txt': 'more' });
    await other.checkpoint('w2');
    const third = new Machine({ store: one.store, localPaths: [one.root] });
    const restore = one.store.restore(one.store.last);
    const moved = await third.make(remote, 'w3', { restore, start });
    expect(moved.copy.baseSha).toBe(start.commitSha);
    expect(readFileSync(join(moved.copy.path, 'more.txt'), 'utf8')).toBe('more');
  });

  it('whose data is damaged or missing makes no working copy', async () => {
    const { one, two: other, remote, path } = await two();
    write(path, { 'mine.txt': 'mine' });
    await one.checkpoint('w1');
    const restore = one.store.restore(one.store.last);
    const { mirror } = await other.context.worktrees.get('early');
    const before = refs(mirror.dir);
    await expect(other.make(remote, 'w2', { start: { ...restore, parts: 0 } })).rejects.toMatchObject({
      code: 'INVALID_BUNDLE',
    });
    const parts = one.store.parts.get(one.store.last.uploadId) as Buffer[];
    parts[0] = Buffer.concat([(parts[0] as Buffer).subarray(0, -30), Buffer.alloc(30)]);
    for (const spec of [{ restore }, { start: restore }])
      await expect(other.make(remote, 'w2', spec)).rejects.toMatchObject({ code: 'INVALID_BUNDLE' });
    expect(refs(mirror.dir).replace(/.*refs\/heads.*\n?/g, '')).toBe(
      before.replace(/.*refs\/heads.*\n?/g, ''),
    );
    expect(await other.context.worktrees.find('w2')).toBeNull();
  });
});

describe('a checkpoint whose recording a crash cut short', () => {
  const dying = new Error('killed');
  const die = () => {
    throw dying;
  };

  it('is there once, when the server had taken it', async () => {
    const { machine, repo } = place();
    const { copy } = await machine.make(repo, 'w1');
    write(copy.path, { 'a.txt': 'a\n' });
    machine.store.afterRecord = die;
    await expect(machine.checkpoint('w1')).rejects.toBe(dying);
    const made = await machine.restarted().checkpoint('w1');
    expect([made.checkpointId, machine.store.checkpoints.length]).toEqual([machine.store.last.id, 1]);
    expect(await machine.restarted().checkpoint('w1')).toMatchObject({ created: false });
  });

  it('is sent again whole, when not all of it had arrived', async () => {
    const { machine, repo } = place();
    const { copy } = await machine.make(repo, 'w1');
    write(copy.path, { noise: randomBytes(2_500_000) });
    const { uploadPart } = machine.store;
    machine.store.uploadPart = (part) => (part.index === 1 ? die() : uploadPart.call(machine.store, part));
    await expect(machine.checkpoint('w1')).rejects.toBe(dying);
    machine.store.uploadPart = uploadPart;
    await machine.restarted().checkpoint('w1');
    expect(machine.store.last.parts).toBe(3);
    const other = new Machine({ root: machine.root, store: machine.store });
    await other.make(repo, 'w2', { restore: machine.store.restore(machine.store.last) });
  });
});

describe('what a checkpoint says', () => {
  it('counts from the last one that the server has, not from a snapshot taken for a diff', async () => {
    const { machine, repo } = place();
    const { copy } = await machine.make(repo, 'w1');
    write(copy.path, { 'a.txt': 'a\n' });
    await machine.context.checkpoints.snapshotOnly({ worktreeId: 'w1', message: 'For a diff' });
    await machine.checkpoint('w1');
    expect(machine.store.last).toMatchObject({ filesChanged: 1, linesAdded: 1 });
    write(copy.path, { 'b.txt': 'b\n' });
    await machine.checkpoint('w1');
    expect(machine.store.last).toMatchObject({ filesChanged: 1, diff: { linesAdded: 2 } });
  });

  it('is said also of a copy that went back to where it started', async () => {
    const { machine, repo } = place();
    const { copy } = await machine.make(repo, 'w1');
    expect(await machine.checkpoint('w1')).toMatchObject({ created: false, checkpointId: null });
    commit(copy.path, { 'a.txt': 'a\n' });
    await machine.checkpoint('w1');
    run(copy.path, 'reset', '-q', '--hard', copy.baseSha);
    expect(await machine.checkpoint('w1')).toMatchObject({ created: true });
    expect(machine.store.last).toMatchObject({ commitSha: copy.baseSha, linesRemoved: 1, parts: 0 });
  });

  it('holds at most a million characters of a patch, and says that it was cut', async () => {
    const { machine, repo } = place();
    const { copy } = await machine.make(repo, 'w1');
    write(copy.path, { 'big.txt': 'ü'.repeat(99).concat('\n').repeat(10_000) });
    await machine.checkpoint('w1');
    const { diff } = machine.store.last;
    expect(diff).toMatchObject({ truncated: true, linesAdded: 10_000 });
    expect(diff.patch.length).toBeLessThanOrEqual(1_000_000);
    expect(Buffer.from(diff.patch).length).toBeGreaterThan(999_000);
  });
});
