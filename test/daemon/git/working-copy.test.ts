import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { recordedRef, setRef } from '../../../src/daemon/git/objects.ts';
import { snapshot } from '../../../src/daemon/git/snapshot.ts';
import {
  checkSaved,
  createWorkingCopy,
  findWorkingCopy,
  removeWorkingCopy,
} from '../../../src/daemon/git/working-copy.ts';
import { commit, listing, refs, run, world } from './support.ts';

describe('createWorkingCopy', () => {
  it('checks out its branch at the base, clean, with origin as a person expects it', async () => {
    const { mirror, origin, copy } = await world();
    const made = await copy('t1');
    const base = run(origin, 'rev-parse', 'main');
    expect(made).toMatchObject({ worktreeId: 't1', branch: 'taskmesh/t1', baseSha: base });
    // Plumbing first: it does not look at the files anew, so it tells whether the index knows them.
    expect(run(made.path, 'diff-files', '--name-only')).toBe('');
    expect(run(made.path, 'status', '--porcelain', '--branch')).toBe('## taskmesh/t1');
    expect(run(made.path, 'remote', 'get-url', 'origin')).toBe(origin);
    expect(readFileSync(join(made.path, 'README.md'), 'utf8')).toBe('one\ntwo\nthree\n');
    expect(refs(mirror.dir)).toContain(`refs/taskmesh/worktrees/t1/base ${base}`);
    expect(refs(mirror.dir)).toContain(`refs/taskmesh/worktrees/t1/head ${base}`);
  });

  it('lets an agent commit without further configuration', async () => {
    const { copy } = await world();
    const made = await copy('t1');
    writeFileSync(join(made.path, 'x'), 'x');
    run(made.path, 'add', 'x');
    run(made.path, '-c', 'gc.auto=0', 'commit', '-q', '-m', 'mine');
    expect(run(made.path, 'config', 'user.email')).toBe('taskmesh@localhost');
  });

  it('starts at a branch, at a commit, and at what another working copy committed', async () => {
    const { mirror, origin, copy } = await world();
    const first = await copy('t1');
    const mine = commit(first.path, { 'x.txt': 'x' });
    await snapshot({ mirror, copy: first, message: 'x' });
    expect((await copy('t2', { worktreeId: 't1' })).baseSha).toBe(mine);
    expect((await copy('t3', { branch: 'main' })).baseSha).toBe(run(origin, 'rev-parse', 'main'));
    expect((await copy('t4', { commit: mine })).baseSha).toBe(mine);
    expect((await copy('t5', { worktreeId: 'unknown', branch: 'main' })).baseSha).toBe(
      run(origin, 'rev-parse', 'main'),
    );
  });

  it('refuses a start that does not exist and makes nothing', async () => {
    const { root, copy } = await world();
    await expect(copy('t1', { branch: 'nope' })).rejects.toMatchObject({ code: 'REVISION_NOT_FOUND' });
    await expect(copy('t2', { commit: 'a'.repeat(40) })).rejects.toMatchObject({
      code: 'REVISION_NOT_FOUND',
    });
    expect(existsSync(join(root, 'copies'))).toBe(false);
  });

  it('returns a finished copy as it is, with the work in it', async () => {
    const { origin, copy } = await world();
    const made = await copy('t1');
    writeFileSync(join(made.path, 'README.md'), 'mine');
    commit(origin, { 'b.txt': 'b' });
    const before = listing(made.path);
    expect(await copy('t1')).toEqual(made);
    expect(listing(made.path)).toEqual(before);
  });

  it('moves a half-made copy aside, and loses nothing of it', async () => {
    const { root, copy } = await world();
    const path = join(root, 'copies', 't1');
    mkdirSync(join(path, '.git'), { recursive: true });
    writeFileSync(join(path, 'precious'), 'x');
    const made = await copy('t1');
    expect(run(made.path, 'status', '--porcelain')).toBe('');
    const aside = readdirSync(dirname(path)).find((name) => name.startsWith('t1.unfinished-'));
    expect(readFileSync(join(dirname(path), aside ?? '', 'precious'), 'utf8')).toBe('x');
  });

  it('makes one copy when called at once', async () => {
    const { copy } = await world();
    const [one, two] = await Promise.all([copy('t1'), copy('t1')]);
    expect(two).toEqual(one);
  });

  it('checks files out byte for byte, whatever the attributes ask for', async () => {
    const files = {
      '.gitattributes': '* text eol=crlf ident\n',
      'a.txt': 'one\n$Id$\n',
      'b.txt': 'x\r\ny\n',
    };
    const { copy } = await world({ files });
    const made = await copy('t1');
    expect(readFileSync(join(made.path, 'a.txt'), 'utf8')).toBe(files['a.txt']);
  });

  it('keeps the first base of a restored copy', async () => {
    const { mirror, root, origin, copy } = await world();
    const first = await copy('t1');
    const mine = commit(first.path, { 'x.txt': 'x' });
    await snapshot({ mirror, copy: first, message: 'x' });
    const base = run(origin, 'rev-parse', 'main');
    const path = join(root, 'copies', 'again');
    const made = await createWorkingCopy({
      mirror,
      worktreeId: 't9',
      path,
      branch: 'b',
      start: { commit: mine },
      base,
    });
    expect(made.baseSha).toBe(base);
    expect(run(path, 'rev-parse', 'HEAD')).toBe(mine);
  });

  it('keeps no password of the remote in the copy', async () => {
    const { mirror, root } = await world();
    const secret = { ...mirror, source: { url: 'https://me:hunter2@example.org/x.git' } };
    const path = join(root, 'copies', 't1');
    await createWorkingCopy({ mirror: secret, worktreeId: 't1', path, branch: 'b', start: {} });
    expect(run(path, 'config', '--list')).not.toContain('hunter2');
  });

  it.each(['-x', 'a..b', '--upload-pack=x', 'HEAD'])('refuses the branch %j', async (branch) => {
    const { mirror, root } = await world();
    const options = { mirror, worktreeId: 't1', path: join(root, 'c'), branch, start: {} };
    await expect(createWorkingCopy(options)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      field: 'branch',
    });
  });
});

describe('removeWorkingCopy', () => {
  it('removes an untouched copy and its traces beside it', async () => {
    const { mirror, root, copy } = await world();
    const made = await copy('t1');
    await removeWorkingCopy({ mirror, copy: made, forget: true });
    expect(readdirSync(join(root, 'copies'))).toEqual([]);
    expect(refs(mirror.dir)).not.toContain('worktrees');
    expect(await findWorkingCopy(mirror, 't1')).toBeNull();
  });

  it('keeps a copy whose files no snapshot has, and removes it after one', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    writeFileSync(join(made.path, 'new.txt'), 'x');
    await expect(removeWorkingCopy({ mirror, copy: made })).rejects.toMatchObject({
      code: 'UNSAVED_CHANGES',
    });
    expect(readFileSync(join(made.path, 'new.txt'), 'utf8')).toBe('x');
    await snapshot({ mirror, copy: made, message: 's' });
    await removeWorkingCopy({ mirror, copy: made });
    expect(existsSync(made.path)).toBe(false);
  });

  it('keeps a copy with commits of another branch, or a stash, that no snapshot has', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    run(made.path, 'checkout', '-q', '-b', 'side');
    commit(made.path, { 'side.txt': 'x' });
    run(made.path, 'checkout', '-q', 'taskmesh/t1');
    await expect(removeWorkingCopy({ mirror, copy: made })).rejects.toMatchObject({
      code: 'UNSAVED_CHANGES',
    });
    run(made.path, 'branch', '-D', 'side');
    writeFileSync(join(made.path, 'README.md'), 'stashed');
    run(made.path, 'stash', '-q');
    await expect(removeWorkingCopy({ mirror, copy: made })).rejects.toMatchObject({
      code: 'UNSAVED_CHANGES',
    });
    // A stash that the last one does not lead to, with the last one in a snapshot.
    const first = run(made.path, 'rev-parse', 'refs/stash');
    writeFileSync(join(made.path, 'README.md'), 'stashed later');
    run(made.path, 'stash', '-q');
    run(mirror.dir, 'fetch', '-q', made.path, 'refs/stash:refs/taskmesh/seen');
    await expect(removeWorkingCopy({ mirror, copy: made })).rejects.toMatchObject({
      reason: expect.stringContaining(first),
    });
    await removeWorkingCopy({ mirror, copy: made, force: true });
  });

  it('takes only checkpoints for saved when it is told so, and then also earlier ones', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    const remove = () => removeWorkingCopy({ mirror, copy: made, savedIn: 'checkpoints', forget: true });
    const take = async () => (await snapshot({ mirror, copy: made, message: 's' })).commitSha;
    const record = (id: string, commitSha: string) => setRef(mirror, recordedRef('t1', id), commitSha);
    run(made.path, 'checkout', '-q', '-b', 'side');
    commit(made.path, { 'side.txt': 'x' });
    await record('checkpoint_1', await take());
    run(made.path, 'checkout', '-q', 'taskmesh/t1');
    writeFileSync(join(made.path, 'new.txt'), 'x');
    const dirty = await take();
    await expect(checkSaved(mirror, made, 'checkpoints')).rejects.toMatchObject({ code: 'UNSAVED_CHANGES' });
    await expect(remove()).rejects.toMatchObject({ reason: 'files differ from the last checkpoint' });
    await record('checkpoint_2', dirty);
    const mine = commit(made.path, {}, 'with these files, and no checkpoint of it');
    await take();
    await expect(remove()).rejects.toMatchObject({ reason: `commit ${mine} is in no checkpoint` });
    await record('checkpoint_3', mine);
    await checkSaved(mirror, made, 'checkpoints');
    expect(existsSync(made.path)).toBe(true);
    await remove();
    expect(existsSync(made.path)).toBe(false);
    expect(refs(mirror.dir)).not.toContain('refs/taskmesh');
  });

  it('is content with a copy that is gone already', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    rmSync(made.path, { recursive: true });
    await removeWorkingCopy({ mirror, copy: made });
  });
});
