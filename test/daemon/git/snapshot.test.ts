import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { captureWorkingTree, snapshot } from '../../../src/daemon/git/snapshot.ts';
import { commit, listing, refs, run, world, write } from './support.ts';

function show(dir: string, rev: string, path: string): string {
  return execFileSync('git', ['cat-file', 'blob', `${rev}:${path}`], { cwd: dir, encoding: 'latin1' });
}

describe('snapshot', () => {
  it('takes untracked, binary, empty, executable, linked, renamed and deleted files, and not ignored ones', async () => {
    const { mirror, copy } = await world({
      files: { 'a.txt': 'a\n', 'b.txt': 'b\n', 'c.txt': 'c\n', '.gitignore': '*.log\n' },
    });
    const made = await copy('t1');
    const bytes = Buffer.from([0, 1, 2, 255, 13, 10]);
    write(made.path, {
      'new/deep/er.txt': 'x\n',
      'bin.dat': bytes,
      empty: '',
      'run.sh': '#!/bin/sh\n',
      'x.log': 'no',
      ' odd\n"näme': 'o',
    });
    chmodSync(join(made.path, 'run.sh'), 0o755);
    symlinkSync('/etc/passwd', join(made.path, 'link'));
    renameSync(join(made.path, 'a.txt'), join(made.path, 'moved.txt'));
    rmSync(join(made.path, 'b.txt'));
    const taken = await snapshot({ mirror, copy: made, message: 'work' });
    expect(taken).toMatchObject({
      created: true,
      parentSha: made.baseSha,
      headSha: made.baseSha,
      skipped: [],
    });
    const tree = run(mirror.dir, 'ls-tree', '-r', '-z', '--name-only', taken.commitSha)
      .split('\0')
      .filter(Boolean);
    expect(tree.sort()).toEqual(
      [
        ' odd\n"näme',
        '.gitignore',
        'bin.dat',
        'c.txt',
        'empty',
        'link',
        'moved.txt',
        'new/deep/er.txt',
        'run.sh',
      ].sort(),
    );
    expect(show(mirror.dir, taken.commitSha, 'bin.dat')).toBe(bytes.toString('latin1'));
    expect(show(mirror.dir, taken.commitSha, 'link')).toBe('/etc/passwd');
    expect(run(mirror.dir, 'ls-tree', taken.commitSha, 'run.sh', 'link')).toMatch(
      /120000 blob \w+\tlink\n100755 blob/,
    );
    expect(taken.filesChanged).toBe(8);
    expect(run(mirror.dir, 'log', '-1', '--format=%an <%ae> %s', taken.commitSha)).toBe(
      'Taskmesh <taskmesh@localhost> work',
    );
  });

  it('leaves branch, index and files exactly as they are', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    write(made.path, { staged: 's\n', untracked: 'u\n' });
    run(made.path, 'add', 'staged');
    write(made.path, { staged: 's\nmore\n', 'README.md': 'changed\n' });
    const before = listing(made.path);
    const status = run(made.path, '--no-optional-locks', 'status', '--porcelain');
    await snapshot({ mirror, copy: made, message: 's' });
    await captureWorkingTree({ mirror, copy: made });
    expect(listing(made.path)).toEqual(before);
    expect(run(made.path, '--no-optional-locks', 'status', '--porcelain')).toBe(status);
  });

  it('says created false when nothing changed, without and after a snapshot', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    const none = await snapshot({ mirror, copy: made, message: 's' });
    expect(none).toMatchObject({ created: false, commitSha: made.baseSha, filesChanged: 0 });
    write(made.path, { x: 'x\ny\n' });
    const one = await snapshot({ mirror, copy: made, message: 's' });
    expect(one).toMatchObject({ created: true, filesChanged: 1, linesAdded: 2, linesRemoved: 0 });
    expect(await snapshot({ mirror, copy: made, message: 's' })).toMatchObject({
      created: false,
      commitSha: one.commitSha,
    });
    write(made.path, { x: 'x\n' });
    expect(await snapshot({ mirror, copy: made, message: 's' })).toMatchObject({
      created: true,
      filesChanged: 1,
      linesAdded: 0,
      linesRemoved: 1,
    });
  });

  it('keeps the commits of the agent with their ids', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    const one = commit(made.path, { x: '1' }, 'mine 1');
    const two = commit(made.path, { x: '2' }, 'mine 2');
    const clean = await snapshot({ mirror, copy: made, message: 's' });
    expect(clean).toMatchObject({ created: true, commitSha: two, parentSha: one, headSha: two });
    write(made.path, { x: '3' });
    const dirty = await snapshot({ mirror, copy: made, message: 's' });
    expect(dirty).toMatchObject({ created: true, parentSha: two, headSha: two });
    expect(refs(mirror.dir)).toContain(`refs/taskmesh/worktrees/t1/head ${two}`);
    expect(run(mirror.dir, 'fsck', '--strict', '--no-dangling')).toBe('');
  });

  it('follows the agent to another branch and to a detached HEAD', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    run(made.path, 'checkout', '-q', '-b', 'else');
    const other = commit(made.path, { x: '1' });
    expect((await snapshot({ mirror, copy: made, message: 's' })).commitSha).toBe(other);
    run(made.path, 'checkout', '-q', '--detach', made.baseSha);
    write(made.path, { y: '1' });
    expect((await snapshot({ mirror, copy: made, message: 's' })).parentSha).toBe(made.baseSha);
  });

  it('sees an edit of the same size whose time was put back', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    await snapshot({ mirror, copy: made, message: 's' });
    const file = join(made.path, 'src/a.txt');
    const { atime, mtime } = statSync(file);
    writeFileSync(file, 'b\n');
    utimesSync(file, atime, mtime);
    expect((await snapshot({ mirror, copy: made, message: 's' })).created).toBe(true);
  });

  it('moves the branch when asked, so that uncommitted work is a commit and the copy is clean', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    write(made.path, { x: 'x', 'README.md': 'changed' });
    const taken = await snapshot({ mirror, copy: made, message: 'done', moveBranch: true });
    expect(taken.headSha).toBe(taken.commitSha);
    expect(run(made.path, 'rev-parse', 'refs/heads/taskmesh/t1')).toBe(taken.commitSha);
    expect(run(made.path, 'status', '--porcelain', '--branch')).toBe('## taskmesh/t1');
    expect(refs(mirror.dir)).toContain(`refs/taskmesh/worktrees/t1/head ${taken.commitSha}`);
    expect(await snapshot({ mirror, copy: made, message: 'x', moveBranch: true })).toMatchObject({
      created: false,
    });
  });

  it('moves the branch to a snapshot that was there before', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    write(made.path, { x: 'x' });
    const first = await snapshot({ mirror, copy: made, message: 'one' });
    const second = await snapshot({ mirror, copy: made, message: 'two', moveBranch: true });
    expect(second).toMatchObject({ created: false, commitSha: first.commitSha, headSha: first.commitSha });
    expect(run(made.path, 'rev-parse', 'HEAD')).toBe(first.commitSha);
  });

  it('keeps the files of a repository inside the copy', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    const nested = join(made.path, 'vendor/lib');
    mkdirSync(nested, { recursive: true });
    run(nested, 'init', '-q');
    commit(nested, { 'a.txt': 'a', 'sub/b.txt': 'b', '.gitignore': 'secret\n' });
    write(nested, { secret: 'no', 'c.txt': 'c' });
    mkdirSync(join(nested, 'inner'));
    run(join(nested, 'inner'), 'init', '-q');
    commit(join(nested, 'inner'), { 'i.txt': 'i' });
    const mostlyIgnored = join(made.path, 'mostly');
    mkdirSync(mostlyIgnored);
    run(mostlyIgnored, 'init', '-q');
    write(mostlyIgnored, { '.gitignore': '*\n!z.txt\n', a: 'no', b: 'no', ':c': 'no', 'z.txt': 'z' });
    run(mostlyIgnored, 'add', 'z.txt');
    run(mostlyIgnored, 'commit', '-q', '-m', 'z');
    mkdirSync(join(made.path, 'unborn'));
    run(join(made.path, 'unborn'), 'init', '-q');
    const taken = await snapshot({ mirror, copy: made, message: 's' });
    const tree = run(mirror.dir, 'ls-tree', '-r', taken.commitSha);
    expect(tree).not.toContain('160000');
    for (const name of ['a.txt', 'sub/b.txt', '.gitignore', 'c.txt', 'inner/i.txt'])
      expect(tree).toContain(`vendor/lib/${name}`);
    expect(tree).not.toContain('secret');
    expect(tree.match(/mostly.*/g)).toEqual(['mostly/z.txt']);
    expect((await snapshot({ mirror, copy: made, message: 's' })).created).toBe(false);
  });

  it('keeps a submodule that is committed as what it is', async () => {
    const { mirror, origin, copy } = await world();
    run(origin, 'update-index', '--add', '--cacheinfo', `160000,${run(origin, 'rev-parse', 'HEAD')},sub`);
    run(origin, 'commit', '-q', '-m', 'submodule');
    run(mirror.dir, 'fetch', '-q', origin, '+refs/heads/*:refs/heads/*');
    const made = await copy('t1');
    run(made.path, 'init', '-q', 'sub');
    commit(join(made.path, 'sub'), { 'in.txt': 'x' });
    write(made.path, { x: 'x' });
    const taken = await snapshot({ mirror, copy: made, message: 's' });
    expect(run(mirror.dir, 'diff-tree', '-r', '--name-only', made.baseSha, taken.commitSha)).toBe('x');
  });

  it('takes an ignored file that is staged or committed all the same, and drops one that is ignored since', async () => {
    const { mirror, copy } = await world({ files: { '.gitignore': '*.log\n', 'a.txt': 'a' } });
    const made = await copy('t1');
    write(made.path, { 'committed.log': 'c', 'later.tmp': 'l' });
    await snapshot({ mirror, copy: made, message: 's' });
    run(made.path, 'add', '-f', 'committed.log');
    run(made.path, 'commit', '-q', '-m', 'forced');
    write(made.path, {
      'staged.log': 's',
      'gone.log': 'g',
      'ignored.log': 'i',
      '.gitignore': '*.log\n*.tmp\n',
    });
    run(made.path, 'add', '-f', 'staged.log', 'gone.log');
    rmSync(join(made.path, 'gone.log'));
    const { commitSha } = await snapshot({ mirror, copy: made, message: 's' });
    const tree = run(mirror.dir, 'ls-tree', '-r', '--name-only', commitSha).split('\n');
    expect(tree).toEqual(['.gitignore', 'a.txt', 'committed.log', 'staged.log']);
  });

  it('names what it could not take and keeps the rest', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    write(made.path, { 'ok.txt': 'x', 'git~1': 'evil', 'sub/.GIT/config': 'evil' });
    execFileSync('mkfifo', [join(made.path, 'fifo')]);
    const taken = await snapshot({ mirror, copy: made, message: 's' });
    expect(run(mirror.dir, 'ls-tree', '-r', '--name-only', taken.commitSha)).toContain('ok.txt');
    expect(run(mirror.dir, 'ls-tree', '-r', '--name-only', taken.commitSha)).not.toMatch(/git~1|\.GIT|fifo/);
    expect(taken.skipped.join('\n')).toContain('git~1');
  });

  it('ends in time when .gitignore is a FIFO', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    execFileSync('mkfifo', [join(made.path, '.gitignore')]);
    const taken = snapshot({ mirror, copy: made, message: 's', limits: { timeoutMs: 500 } });
    await expect(taken).rejects.toMatchObject({ code: 'GIT_TIMEOUT' });
  });

  it('refuses a copy whose root became a link', async () => {
    const { mirror, root, copy } = await world();
    const made = await copy('t1');
    renameSync(made.path, `${made.path}.away`);
    write(root, { 'secret/passwd': 'x' });
    symlinkSync(join(root, 'secret'), made.path);
    await expect(snapshot({ mirror, copy: made, message: 's' })).rejects.toMatchObject({
      code: 'WORKING_COPY_BROKEN',
    });
  });

  it.each([
    ['is gone', (path: string) => rmSync(join(path, '.git'), { recursive: true })],
    ['is broken', (path: string) => writeFileSync(join(path, '.git/config'), '[core\n')],
    ['has an unborn HEAD', (path: string) => run(path, 'symbolic-ref', 'HEAD', 'refs/heads/none')],
    [
      'was replaced by a link',
      (path: string) => {
        renameSync(join(path, '.git'), `${path}.git`);
        symlinkSync(`${path}.git`, join(path, '.git'));
      },
    ],
  ])('saves the files when the .git of the copy %s, and says so', async (_title, breakIt) => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    write(made.path, { x: 'x' });
    breakIt(made.path);
    const taken = await snapshot({ mirror, copy: made, message: 's' });
    expect(taken).toMatchObject({ created: true, parentSha: made.baseSha, filesChanged: 1 });
    expect(taken.skipped[0]).toMatch(/^commits of the copy: /);
    await expect(snapshot({ mirror, copy: made, message: 's', moveBranch: true })).rejects.toMatchObject({
      code: 'WORKING_COPY_BROKEN',
    });
  });

  it('refuses an evil commit of the agent and saves the files all the same', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    const blob = run(made.path, 'rev-parse', 'HEAD:README.md');
    const raw = Buffer.concat([Buffer.from('100644 .git\0'), Buffer.from(blob, 'hex')]);
    const tree = execFileSync('git', ['hash-object', '-t', 'tree', '-w', '--literally', '--stdin'], {
      cwd: made.path,
      input: raw,
      encoding: 'utf8',
    }).trim();
    const evil = run(made.path, 'commit-tree', tree, '-p', 'HEAD', '-m', 'evil');
    run(made.path, 'update-ref', 'HEAD', evil);
    const taken = await snapshot({ mirror, copy: made, message: 's' });
    expect(taken).toMatchObject({ created: false, commitSha: made.baseSha });
    expect(taken.skipped[0]).toContain(evil);
    expect(refs(mirror.dir)).not.toContain(evil);
  });

  it('does not take a commit whose history is hidden by a graft', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    const one = commit(made.path, { x: '1' });
    const two = commit(made.path, { x: '2' });
    write(made.path, { '.git/info/grafts': `${two} ${made.baseSha}\n` });
    const taken = await snapshot({ mirror, copy: made, message: 's' });
    if (taken.commitSha === two) expect(run(mirror.dir, 'cat-file', '-t', one)).toBe('commit');
    else expect(taken.skipped[0]).toContain(two);
    expect(run(mirror.dir, 'fsck', '--strict', '--no-dangling')).toBe('');
  });

  it('starts from nothing when its own index is damaged', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    await snapshot({ mirror, copy: made, message: 's' });
    writeFileSync(`${made.path}.taskmesh/index`, 'rubbish');
    write(made.path, { x: 'x' });
    expect(await snapshot({ mirror, copy: made, message: 's' })).toMatchObject({
      created: true,
      filesChanged: 1,
    });
  });

  it('takes two snapshots at once one after the other', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    write(made.path, { x: 'x' });
    const [one, two] = await Promise.all([
      snapshot({ mirror, copy: made, message: 'a' }),
      snapshot({ mirror, copy: made, message: 'b' }),
    ]);
    expect([one.created, two.created].sort()).toEqual([false, true]);
    expect(one.commitSha).toBe(two.commitSha);
  });
});
