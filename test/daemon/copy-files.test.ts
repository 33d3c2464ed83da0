import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keeper } from './git/kept.ts';
import { commit, run, tryRun, write } from './git/support.ts';
import { Machine } from './machine.ts';

/** A repository with things beside it that are nobody's business, and a supervisor's working copy. */
const prepared = keeper(async (root) => {
  const machine = new Machine({ root });
  write(machine.root, { 'secret.txt': 'secret', 'secrets/key': 'secret' });
  const repo = machine.repository('repo', {
    'README.md': 'r\n',
    '.gitignore': '.env\n',
    'src/a.txt': 'a\n',
  });
  const supervisor = await machine.make(repo, 'sup');
  return { root, repo, supervised: supervisor.copy.path };
});

async function place() {
  const { root, repo, supervised } = await prepared();
  const machine = new Machine({ root });
  const copy = async (...paths: string[]) => {
    const copyFiles = { paths, worktreeId: 'sup' };
    return (await machine.make(repo, 'task', { copyFiles })).copy.path;
  };
  return { machine, repo, supervised, copy };
}

describe('files that are copied into a new working copy', () => {
  it('come from the checkout, else from the supervisor, with their modes', async () => {
    const { machine, repo, supervised, copy } = await place();
    write(repo, { '.env': 'checkout', 'conf/deep/a.sh': 'a', 'conf/b': Buffer.from([0, 255]) });
    write(supervised, { '.env': 'supervisor', 'only/there.txt': 'there' });
    chmodSync(join(repo, '.env'), 0o600);
    chmodSync(join(repo, 'conf/deep/a.sh'), 0o755);
    chmodSync(join(repo, 'conf/deep'), 0o550);
    const path = await copy('.env', './conf/', 'only/there.txt');
    expect(machine.notes).toEqual([]);
    expect(readFileSync(join(path, '.env'), 'utf8')).toBe('checkout');
    expect(readFileSync(join(path, 'only/there.txt'), 'utf8')).toBe('there');
    expect(readFileSync(join(path, 'conf/b'))).toEqual(Buffer.from([0, 255]));
    const modes = ['.env', 'conf/deep/a.sh', 'conf/deep'].map(
      (name) => statSync(join(path, name)).mode & 0o777,
    );
    expect(modes).toEqual([0o600, 0o755, 0o750]);
  });

  it('are in no checkpoint and in no commit of the agent, also when git does not ignore them', async () => {
    const { machine, repo, copy } = await place();
    write(repo, { '.env': 'x', 'token#1 *.txt': 'secret', 'conf/key': 'secret' });
    const path = await copy('.env', 'token#1 *.txt', 'conf');
    write(path, { 'conf/mine.txt': 'mine', 'token#1 a.txt': 'mine' });
    expect(run(path, 'status', '--porcelain', '-uall')).toBe('?? conf/mine.txt\n?? "token#1 a.txt"');
    const { snapshot } = await machine.checkpoint('task');
    const { mirror } = await machine.context.worktrees.get('task');
    expect(run(mirror.dir, 'ls-tree', '-r', '--name-only', snapshot.commitSha).split('\n')).toEqual([
      '.gitignore',
      'README.md',
      'conf/mine.txt',
      'src/a.txt',
      'token#1 a.txt',
    ]);
    // What an agent adds by force is its own wish.
    run(path, 'add', '-f', 'conf/key');
    const forced = (await machine.checkpoint('task')).snapshot.commitSha;
    expect(run(mirror.dir, 'show', `${forced}:conf/key`)).toBe('secret');
  });

  it('never take the place of what git put there, and say so', async () => {
    const { machine, repo, copy } = await place();
    write(repo, { 'README.md': 'edited by the person\n', 'src/new.txt': 'new\n' });
    const path = await copy('README.md', 'src');
    expect(readFileSync(join(path, 'README.md'), 'utf8')).toBe('r\n');
    expect(readFileSync(join(path, 'src/new.txt'), 'utf8')).toBe('new\n');
    expect(machine.notes).toEqual([
      'Not copied into the working copy: README.md (git has put one there, which stays)',
      'Not copied into the working copy: src/a.txt (git has put one there, which stays)',
    ]);
  });

  it('are copied by the next try when a crash left them half copied', async () => {
    const { machine, repo, copy } = await place();
    write(repo, { '.env': 'whole' });
    const path = await copy('.env');
    const { unlinkSync } = await import('node:fs');
    unlinkSync(join(path, '..', 'worktree.json'));
    truncateSync(join(path, '.env'), 2);
    expect(await copy('.env')).toBe(path);
    expect(readFileSync(join(path, '.env'), 'utf8')).toBe('whole');
    expect(machine.notes).toEqual([]);
  });

  it('are said to be missing where they are nowhere, and that is no failure', async () => {
    const { machine, copy } = await place();
    const path = await copy('nowhere', 'src/a.txt');
    expect(existsSync(join(path, 'src/a.txt'))).toBe(true);
    expect(machine.notes[0]).toMatch(/nowhere \(it is neither in/);
  });

  it('are not looked for in the git directory of a bare repository', async () => {
    const { machine, repo } = await place();
    run(machine.root, 'clone', '-q', '--bare', repo, 'bare.git');
    const made = await machine.make(join(machine.root, 'bare.git'), 'bare', {
      copyFiles: { paths: ['description', 'hooks', 'config'], worktreeId: null },
    });
    expect(machine.notes).toHaveLength(3);
    expect(existsSync(join(made.copy.path, 'config'))).toBe(false);
  });

  it.each([
    '../secret.txt',
    '/etc/passwd',
    'src/../../secret.txt',
    '.git/config',
    '.git',
    'out',
    'outdir/key',
    'outdir',
    'absolute',
    'dangling',
    'fifo',
    '',
    'a\0b',
  ])('never come from outside: %j', async (path) => {
    const { machine, repo, copy } = await place();
    symlinkSync('../secret.txt', join(repo, 'out'));
    symlinkSync('../secrets', join(repo, 'outdir'));
    symlinkSync('/etc/passwd', join(repo, 'absolute'));
    symlinkSync('../none', join(repo, 'dangling'));
    run(repo, 'config', 'core.x', 'secret');
    await once(spawn('mkfifo', [join(repo, 'fifo')]), 'exit');
    const made = await copy(path);
    expect(machine.notes).toHaveLength(1);
    expect(
      tryRun(made, 'grep', '--no-index', '-q', '--no-exclude-standard', '-e', 'secret', '-e', 'root:'),
    ).toBe(1);
  });

  it('in a directory follow links to files inside, and to nothing else', async () => {
    const { machine, repo, copy } = await place();
    write(repo, { 'conf/real': 'real', '.env': 'env' });
    symlinkSync('real', join(repo, 'conf/link'));
    symlinkSync('../.env', join(repo, 'conf/env'));
    symlinkSync('.', join(repo, 'conf/loop'));
    symlinkSync('../../secret.txt', join(repo, 'conf/out'));
    const path = await copy('conf');
    expect(readFileSync(join(path, 'conf/link'), 'utf8')).toBe('real');
    expect(readFileSync(join(path, 'conf/env'), 'utf8')).toBe('env');
    expect(machine.notes[0]).toContain('conf/loop (it is a link to a directory)');
    expect(machine.notes[0]).toContain('conf/out (it leads out');
    expect(existsSync(join(path, 'conf/out'))).toBe(false);
  });

  it('never go through a link that git put into the new copy', async () => {
    const { machine, repo } = await place();
    write(repo, { 'conf/key': 'mine' });
    const planted = run(repo, 'rev-parse', 'HEAD');
    run(repo, 'checkout', '-q', '-b', 'planted');
    symlinkSync('../../../secrets', join(repo, 'planted'));
    commit(repo, {});
    run(repo, 'checkout', '-q', '--detach', planted);
    write(repo, { 'planted/key': 'mine' });
    const made = await machine.make(repo, 'task', {
      baseBranch: 'planted',
      copyFiles: { paths: ['planted/key', 'planted'], worktreeId: null },
    });
    expect(readFileSync(join(machine.root, 'secrets/key'), 'utf8')).toBe('secret');
    expect(machine.notes.join()).toMatch(/git has put something else in its way.*git has put/s);
    expect(existsSync(join(made.copy.path, 'README.md'))).toBe(true);
  });

  it('are at most 64 MiB together', async () => {
    const { machine, repo, copy } = await place();
    for (const [name, size] of [
      ['a', 40],
      ['b', 40],
      ['c', 1],
    ] as const) {
      writeFileSync(join(repo, name), '');
      truncateSync(join(repo, name), size * 1024 * 1024);
    }
    const path = await copy('a', 'b', 'c');
    expect(machine.notes).toEqual([
      'Not copied into the working copy: b (more than 64 MiB together)',
      expect.stringContaining('c ('),
    ]);
    expect(['a', 'b', 'c'].map((name) => existsSync(join(path, name)))).toEqual([true, false, false]);
  });

  it('never come from outside while a directory is swapped for a link', async () => {
    const { machine, repo, supervised } = await place();
    write(supervised, { 'dir/key': 'mine' });
    const swap = 'cd "$1"; while :; do mv dir real; ln -s ../../../secrets dir; rm dir; mv real dir; done';
    const swapping = spawn('sh', ['-c', swap, 'sh', supervised], { stdio: 'ignore' });
    try {
      for (
        const until = performance.now() + 1_500, at = { round: 0 };
        performance.now() < until;
        at.round += 1
      ) {
        const copyFiles = { paths: ['dir', 'dir/key'], worktreeId: 'sup' };
        const { copy } = await machine.make(repo, `task${at.round}`, { copyFiles });
        const key = join(copy.path, 'dir/key');
        if (existsSync(key)) expect(readFileSync(key, 'utf8')).toBe('mine');
      }
    } finally {
      swapping.kill('SIGKILL');
    }
  });
});
