import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { snapshot } from '../../../src/daemon/git/snapshot.ts';
import { stageOf } from '../../../src/daemon/git/stage.ts';
import { commit, run, world, write } from './support.ts';

const show = (dir: string, commit: string, path: string) => run(dir, 'cat-file', 'blob', `${commit}:${path}`);

describe('what indexes, HEAD and submodules of a copy do to its snapshot', () => {
  it('keeps what it knows of unchanged files when the agent has committed', async () => {
    const { mirror, copy } = await world({ files: { 'a.txt': 'a\n', 'b.txt': 'b\n' } });
    const made = await copy('t1');
    write(made.path, { 'a.txt': 'first\n' });
    await snapshot({ mirror, copy: made, message: 'first' });
    const { indexFile } = stageOf(made.path);
    const ours = (...args: string[]) =>
      execFileSync('git', args, {
        cwd: made.path,
        encoding: 'utf8',
        env: {
          PATH: process.env.PATH,
          GIT_DIR: mirror.dir,
          GIT_WORK_TREE: made.path,
          GIT_INDEX_FILE: indexFile,
        },
      });
    // A mark that an index made anew would not have.
    ours('update-index', '--assume-unchanged', 'b.txt');
    const mine = commit(made.path, { 'a.txt': 'committed\n' });
    const taken = await snapshot({ mirror, copy: made, message: 'second' });
    expect(taken).toMatchObject({ commitSha: mine, skipped: [] });
    expect(ours('ls-files', '-v').split('\n')).toContain('h b.txt');
  });

  it('leaves no mark of what the agent meant to add on an empty file that is committed', async () => {
    const { copy, mirror } = await world();
    const made = await copy('t1');
    write(made.path, { 'py.typed': '' });
    run(made.path, 'add', '-N', 'py.typed');
    await snapshot({ mirror, copy: made, message: 'x', moveBranch: true });
    expect(run(made.path, 'status', '--porcelain')).toBe('');
    write(made.path, { other: 'o' });
    run(made.path, 'add', 'other');
    run(made.path, 'commit', '-q', '-m', 'mine');
    expect(run(made.path, 'ls-tree', '--name-only', 'HEAD').split('\n')).toContain('py.typed');
  });

  it('goes on looking at a file that has taken the place of a submodule', async () => {
    const { copy, mirror } = await world();
    const made = await copy('t1');
    const link = (path: string) =>
      run(made.path, 'update-index', '--add', '--cacheinfo', `160000,${made.baseSha},${path}`);
    link('sub');
    run(made.path, 'commit', '-q', '-m', 'with a submodule');
    await snapshot({ mirror, copy: made, message: '1' });
    run(made.path, 'rm', '-q', '--cached', 'sub');
    rmSync(join(made.path, 'sub'), { recursive: true, force: true });
    commit(made.path, { sub: 'a file\n' });
    await snapshot({ mirror, copy: made, message: '2' });
    write(made.path, { sub: 'edited\n' });
    const taken = await snapshot({ mirror, copy: made, message: '3' });
    expect(show(mirror.dir, taken.commitSha, 'sub')).toBe('edited');
  });

  it('takes a file that has taken the place of a directory with a submodule in it', async () => {
    const { copy, mirror } = await world();
    const made = await copy('t1');
    write(made.path, { 'a/f': 'f' });
    run(made.path, 'add', 'a/f');
    run(made.path, 'update-index', '--add', '--cacheinfo', `160000,${made.baseSha},a/sub`);
    run(made.path, 'commit', '-q', '-m', 'with a submodule');
    await snapshot({ mirror, copy: made, message: '1' });
    rmSync(join(made.path, 'a'), { recursive: true });
    write(made.path, { a: 'precious' });
    const taken = await snapshot({ mirror, copy: made, message: '2' });
    expect(show(mirror.dir, taken.commitSha, 'a')).toBe('precious');
  });

  it('moves no tag that is called HEAD when HEAD has no commit', async () => {
    const { copy, mirror } = await world();
    const made = await copy('t1');
    run(made.path, 'update-ref', 'refs/tags/HEAD', 'HEAD');
    run(made.path, 'symbolic-ref', 'HEAD', 'refs/heads/unborn');
    write(made.path, { x: 'x' });
    const taking = snapshot({ mirror, copy: made, message: 'x', moveBranch: true });
    await expect(taking).rejects.toMatchObject({ code: 'GIT_FAILED' });
    expect(run(made.path, 'rev-parse', 'refs/tags/HEAD')).toBe(made.baseSha);
  });

  it('has written all that it writes when it fails', async () => {
    const { copy, mirror } = await world();
    const made = await copy('t1');
    write(made.path, { x: 'x' });
    // Nothing can be counted against this.
    const broken = { ...made, baseSha: '1'.repeat(40) };
    const taking = snapshot({ mirror, copy: broken, message: 'x', moveBranch: true });
    await expect(taking).rejects.toMatchObject({ code: 'GIT_FAILED' });
    const saved = run(mirror.dir, 'rev-parse', 'refs/taskmesh/worktrees/t1/snapshot');
    expect(run(made.path, 'rev-parse', 'HEAD')).toBe(saved);
    expect(run(mirror.dir, 'rev-parse', 'refs/taskmesh/worktrees/t1/head')).toBe(saved);
  });

  it('knows the branch that HEAD is on although there is one that is called HEAD', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    run(made.path, 'update-ref', 'refs/heads/HEAD', 'HEAD');
    write(made.path, { x: 'x' });
    const taken = await snapshot({ mirror, copy: made, message: 'x', moveBranch: true });
    expect(run(made.path, 'rev-parse', 'refs/heads/taskmesh/t1')).toBe(taken.commitSha);
    expect(taken).toMatchObject({ headSha: taken.commitSha, skipped: [] });
  });
});
