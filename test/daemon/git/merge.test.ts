import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type MergeOptions, mergeInto } from '../../../src/daemon/git/merge.ts';
import { snapshot } from '../../../src/daemon/git/snapshot.ts';
import type { WorkingCopy } from '../../../src/daemon/git/working-copy.ts';
import { keeper } from './kept.ts';
import { build, commit, listing, refs, run, type World, write } from './support.ts';

const LINES = Array.from({ length: 20 }, (_, line) => `line ${line}\n`);
const FILES = { 'a.txt': LINES.join(''), 'b.txt': 'b\n', '.gitignore': '*.log\n' };
const edited = (line: number, text: string) => LINES.with(line, `${text}\n`).join('');

const copies = (bare: boolean) =>
  keeper(async (root) => {
    const made = await build(root, { files: FILES, bare });
    return { made, supervisor: await made.copy('sup'), task: await made.copy('task') };
  });
const [local, remote] = [copies(false), copies(true)];

/** A supervisor's copy and a task whose branch has the given files. */
async function pair(files: Record<string, string>, options: { bare?: boolean } = {}) {
  const { made, supervisor, task } = await (options.bare ? remote : local)();
  const source = await work(made, task, files);
  const merge = (rest: Partial<MergeOptions> = {}) =>
    mergeInto({
      mirror: made.mirror,
      source: { commit: source, label: 'task' },
      target: { kind: 'workingCopy', copy: supervisor },
      squash: false,
      dryRun: false,
      message: 'Merge task',
      ...rest,
    });
  return { ...made, supervisor, task, source, merge };
}

async function work({ mirror }: World, copy: WorkingCopy, files: Record<string, string>): Promise<string> {
  write(copy.path, files);
  return (await snapshot({ mirror, copy, message: 'work', moveBranch: true })).commitSha;
}

const read = (copy: WorkingCopy, file: string) => readFileSync(join(copy.path, file), 'utf8');
const status = (copy: WorkingCopy) => run(copy.path, '--no-optional-locks', 'status', '--porcelain');

describe('mergeInto a working copy', () => {
  it('makes a commit with both parents and brings the files along', async () => {
    const { supervisor, source, merge, mirror } = await pair({
      'a.txt': edited(3, 'task'),
      'new/x.txt': 'x',
    });
    rmSync(join(supervisor.path, 'b.txt'));
    const mine = commit(supervisor.path, {}, 'mine');
    const result = await merge();
    expect(result).toMatchObject({ outcome: 'MERGED', conflicts: [] });
    expect(run(supervisor.path, 'rev-list', '--parents', '-1', 'HEAD')).toBe(
      `${result.commitSha} ${mine} ${source}`,
    );
    expect(run(supervisor.path, 'symbolic-ref', 'HEAD')).toBe('refs/heads/taskmesh/sup');
    expect(status(supervisor)).toBe('');
    expect(read(supervisor, 'a.txt')).toBe(edited(3, 'task'));
    expect(existsSync(join(supervisor.path, 'b.txt'))).toBe(false);
    expect(refs(mirror.dir)).toContain(`refs/taskmesh/worktrees/sup/head ${result.commitSha}`);
    expect(await snapshot({ mirror, copy: supervisor, message: 's' })).toMatchObject({
      created: false,
      commitSha: result.commitSha,
    });
  });

  it('is up to date the second time', async () => {
    const { merge } = await pair({ x: 'x' });
    const first = await merge();
    expect(await merge()).toMatchObject({ outcome: 'UP_TO_DATE', commitSha: first.commitSha });
  });

  it('reports hunks and both last commits of a conflict, and changes nothing', async () => {
    const { supervisor, source, merge, mirror } = await pair({
      'a.txt': edited(3, 'task'),
      'b.txt': 'task\n',
    });
    const mine = commit(supervisor.path, { 'a.txt': edited(3, 'mine') }, 'mine');
    commit(supervisor.path, { 'c.txt': 'later' }, 'later');
    rmSync(join(supervisor.path, 'b.txt'));
    const removed = commit(supervisor.path, {}, 'removed');
    write(supervisor.path, { uncommitted: 'u' });
    await snapshot({ mirror, copy: supervisor, message: 's' });
    const before = [listing(supervisor.path), refs(mirror.dir), refs(supervisor.path)];
    const result = await merge();
    expect(result).toMatchObject({ outcome: 'CONFLICT', commitSha: null });
    expect(result.conflicts).toHaveLength(2);
    const [a, b] = result.conflicts;
    expect(a).toMatchObject({
      path: 'a.txt',
      kind: 'CONFLICT (contents)',
      oursCommit: mine,
      theirsCommit: source,
    });
    expect(a?.hunks).toHaveLength(1);
    expect(a?.hunks[0]).toMatch(/^<<<<<<< .*\nmine\n=======\ntask\n>>>>>>> /);
    expect(b).toMatchObject({
      path: 'b.txt',
      kind: 'CONFLICT (modify/delete)',
      oursCommit: removed,
      theirsCommit: source,
    });
    expect([listing(supervisor.path), refs(mirror.dir), refs(supervisor.path)]).toEqual(before);
  });

  it('checkpoints the uncommitted state before, also when it then conflicts', async () => {
    const { supervisor, merge, mirror } = await pair({ 'a.txt': edited(3, 'task') });
    commit(supervisor.path, { 'a.txt': edited(3, 'mine') });
    write(supervisor.path, { uncommitted: 'precious' });
    const before = listing(supervisor.path);
    expect((await merge()).outcome).toBe('CONFLICT');
    expect(listing(supervisor.path)).toEqual(before);
    expect(run(mirror.dir, 'show', 'refs/taskmesh/worktrees/sup/snapshot:uncommitted')).toBe('precious');
  });

  it('carries uncommitted edits that do not overlap, also in a file that is merged', async () => {
    const { supervisor, merge, mirror } = await pair({ 'a.txt': edited(3, 'task'), 'new.txt': 'n\n' });
    write(supervisor.path, {
      'a.txt': edited(15, 'mine'),
      untracked: 'u',
      'b.txt': 'staged\n',
      'x.log': 'ignored',
    });
    run(supervisor.path, 'add', 'b.txt');
    const result = await merge();
    expect(result.outcome).toBe('MERGED');
    expect(read(supervisor, 'a.txt')).toBe(LINES.with(3, 'task\n').with(15, 'mine\n').join(''));
    expect(
      status(supervisor)
        .split('\n')
        .map((line) => line.trim())
        .sort(),
    ).toEqual(['?? untracked', 'M a.txt', 'M b.txt']);
    expect(run(supervisor.path, 'diff', 'HEAD', '--stat')).toContain('2 files changed');
    expect(run(supervisor.path, 'show', 'HEAD:a.txt')).toBe(edited(3, 'task').trimEnd());
    expect(read(supervisor, 'x.log')).toBe('ignored');
    const rest = await snapshot({ mirror, copy: supervisor, message: 's' });
    expect(rest).toMatchObject({ created: true, parentSha: result.commitSha });
  });

  it('conflicts with uncommitted edits that overlap, and changes nothing', async () => {
    const { supervisor, source, merge } = await pair({ 'a.txt': edited(3, 'task'), 'new.txt': 'theirs\n' });
    write(supervisor.path, { 'a.txt': edited(3, 'mine'), 'new.txt': 'untracked\n' });
    const before = [listing(supervisor.path), refs(supervisor.path)];
    const result = await merge();
    expect(result.outcome).toBe('CONFLICT');
    expect(
      result.conflicts.map(({ path, oursCommit, theirsCommit }) => [path, oursCommit, theirsCommit]),
    ).toEqual([
      ['a.txt', null, source],
      ['new.txt', null, source],
    ]);
    expect(result.message).toContain('uncommitted');
    expect([listing(supervisor.path), refs(supervisor.path)]).toEqual(before);
  });

  it.each([
    ['an ignored file', { 'x.log': 'mine' }, 'x.log'],
    ['an ignored file where a directory comes', { log: 'mine' }, 'log/y.log'],
    ['an ignored directory where a file comes', { 'build.log/out': 'mine' }, 'build.log'],
  ])('never overwrites %s', async (_title, mine, theirs) => {
    const { supervisor, task, mirror, merge } = await pair({ 'c.txt': 'c' });
    write(supervisor.path, { '.git/info/exclude': '', ...mine });
    if ('log' in mine) commit(supervisor.path, { '.gitignore': '*.log\nlog\n' });
    write(task.path, { [theirs]: 'theirs' });
    run(task.path, 'add', '-f', theirs);
    run(task.path, 'commit', '-q', '-m', 'forced');
    const { commitSha } = await snapshot({ mirror, copy: task, message: 's' });
    await snapshot({ mirror, copy: supervisor, message: 's' });
    const before = listing(supervisor.path);
    const result = await merge({ source: { commit: commitSha, label: 'task' } });
    expect(result.outcome).toBe('CONFLICT');
    expect(result.conflicts[0]?.path).toBe(theirs);
    expect(listing(supervisor.path)).toEqual(before);
  });

  it('tells in a dry run what would happen, and does nothing', async () => {
    const { supervisor, merge, mirror } = await pair({ 'a.txt': edited(3, 'task') });
    write(supervisor.path, { untracked: 'u' });
    const before = [listing(supervisor.path), refs(mirror.dir)];
    expect(await merge({ dryRun: true })).toMatchObject({ outcome: 'MERGED', commitSha: null });
    expect([listing(supervisor.path), refs(mirror.dir)]).toEqual(before);
    write(supervisor.path, { 'a.txt': edited(3, 'mine') });
    const dirty = [listing(supervisor.path), refs(mirror.dir)];
    expect((await merge({ dryRun: true })).outcome).toBe('CONFLICT');
    expect([listing(supervisor.path), refs(mirror.dir)]).toEqual(dirty);
  });

  it('squashes to one commit with one parent', async () => {
    const { supervisor, merge, source } = await pair({ x: 'x' });
    const result = await merge({ squash: true });
    expect(run(supervisor.path, 'rev-list', '--parents', '-1', 'HEAD')).toBe(
      `${result.commitSha} ${supervisor.baseSha}`,
    );
    expect(run(supervisor.path, 'log', '-1', '--format=%B')).toBe(
      `Merge task\n\nTaskmesh-Squashed: ${source}`,
    );
    expect(read(supervisor, 'x')).toBe('x');
  });

  it('squashes the same branch twice without a false conflict, and a third time is up to date', async () => {
    const made = await pair({ 'a.txt': edited(3, 'first') });
    await made.merge({ squash: true });
    const second = await work(made, made.task, { 'a.txt': edited(3, 'second') });
    const again = () => made.merge({ squash: true, source: { commit: second, label: 'task' } });
    expect((await again()).outcome).toBe('MERGED');
    expect(read(made.supervisor, 'a.txt')).toBe(edited(3, 'second'));
    expect((await again()).outcome).toBe('UP_TO_DATE');
    const third = await work(made, made.task, { 'a.txt': edited(3, 'third') });
    expect((await made.merge({ source: { commit: third, label: 'task' } })).outcome).toBe('MERGED');
    expect(read(made.supervisor, 'a.txt')).toBe(edited(3, 'third'));
  });

  it('refuses a copy in the middle of a merge, or with a detached HEAD, and leaves it', async () => {
    const { supervisor, merge } = await pair({ x: 'x' });
    write(supervisor.path, { '.git/MERGE_HEAD': `${supervisor.baseSha}\n` });
    const before = listing(supervisor.path);
    await expect(merge()).rejects.toMatchObject({ code: 'TARGET_DIRTY' });
    expect(listing(supervisor.path)).toEqual(before);
    rmSync(join(supervisor.path, '.git/MERGE_HEAD'));
    run(supervisor.path, 'checkout', '-q', '--detach');
    await expect(merge()).rejects.toMatchObject({ code: 'TARGET_DIRTY' });
  });

  it('puts the files back when the branch cannot be moved', async () => {
    const { supervisor, merge } = await pair({ 'a.txt': edited(3, 'task') });
    write(supervisor.path, { '.git/refs/heads/taskmesh/sup.lock': '' });
    const before = listing(supervisor.path);
    await expect(merge()).rejects.toMatchObject({ code: 'TARGET_MOVED' });
    expect(listing(supervisor.path)).toEqual(before);
  });

  it('has no common history as a conflict without files', async () => {
    const { task, mirror, merge } = await pair({ x: 'x' });
    run(task.path, 'checkout', '-q', '--orphan', 'alone');
    commit(task.path, { y: 'y' });
    const { commitSha } = await snapshot({ mirror, copy: task, message: 's' });
    expect(await merge({ source: { commit: commitSha, label: 'x' } })).toMatchObject({
      outcome: 'CONFLICT',
      conflicts: [],
    });
  });

  it('refuses a commit that does not exist, as it does a name', async () => {
    const { merge } = await pair({ x: 'x' });
    await expect(merge({ source: { commit: 'a'.repeat(40), label: 'x' } })).rejects.toMatchObject({
      code: 'REVISION_NOT_FOUND',
    });
    await expect(merge({ source: { commit: '--output=x', label: 'x' } })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });

  it('merges two tasks at once one after the other', async () => {
    const made = await pair({ 'a.txt': edited(3, 'one') });
    const other = await made.copy('other');
    const second = await work(made, other, { 'a.txt': edited(15, 'two') });
    const results = await Promise.all([
      made.merge(),
      made.merge({ source: { commit: second, label: 'other' } }),
    ]);
    expect(results.map(({ outcome }) => outcome)).toEqual(['MERGED', 'MERGED']);
    expect(read(made.supervisor, 'a.txt')).toBe(LINES.with(3, 'one\n').with(15, 'two\n').join(''));
    expect(status(made.supervisor)).toBe('');
  });
});

describe('mergeInto a branch', () => {
  const target = { kind: 'branch', branch: 'main' } as const;

  it('publishes a merge commit to a remote', async () => {
    const { origin, source, merge, supervisor } = await pair({ x: 'x' }, { bare: true });
    const result = await merge({ target });
    expect(result.outcome).toBe('MERGED');
    expect(run(origin, 'rev-list', '--parents', '-1', 'main')).toBe(
      `${result.commitSha} ${supervisor.baseSha} ${source}`,
    );
    expect(await merge({ target })).toMatchObject({ outcome: 'UP_TO_DATE', commitSha: result.commitSha });
  });

  it('merges on top of what others have pushed meanwhile', async () => {
    const { root, origin, merge } = await pair({ x: 'x' }, { bare: true });
    run(root, 'clone', '-q', origin, 'other');
    const theirs = commit(join(root, 'other'), { y: 'y' });
    run(join(root, 'other'), 'push', '-q', 'origin', 'main');
    expect((await merge({ target })).outcome).toBe('MERGED');
    expect(run(origin, 'ls-tree', '--name-only', 'main').split('\n')).toEqual(
      expect.arrayContaining(['x', 'y']),
    );
    expect(run(origin, 'rev-parse', 'main^1')).toBe(theirs);
  });

  it('does it again until it lands while the remote moves in between', async () => {
    const { root, origin, merge } = await pair({ x: 'x' }, { bare: true });
    const hook = join(origin, 'hooks/pre-receive');
    const first = join(root, 'raced');
    const race =
      `#!/bin/sh\n[ -e ${first} ] && exit 0\n>${first}\nunset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY\n` +
      'new=$(git -c user.name=x -c user.email=x@y commit-tree main^{tree} -p main -m raced)\ngit update-ref refs/heads/main $new\n';
    write(origin, { 'hooks/pre-receive': race });
    (await import('node:fs')).chmodSync(hook, 0o755);
    expect((await merge({ target })).outcome).toBe('MERGED');
    expect(existsSync(first)).toBe(true);
    expect(run(origin, 'log', '-1', '--format=%s', 'main^1')).toBe('raced');
  });

  it('lands every one of several merges at once, from several mirrors', async () => {
    const { openMirror } = await import('../../../src/daemon/git/mirror.ts');
    const made = await pair({ x: 'x' }, { bare: true });
    const { origin, root, source } = made;
    const others = await Promise.all(
      [1, 2, 3].map(async (number) => {
        const mirror = await openMirror({
          mirrorsDir: join(root, `m${number}`),
          source: { url: `file://${origin}` },
        });
        const copy = await (await import('../../../src/daemon/git/working-copy.ts')).createWorkingCopy({
          mirror,
          worktreeId: `w${number}`,
          path: join(root, `w${number}`),
          branch: `w${number}`,
          start: {},
        });
        write(copy.path, { [`file${number}`]: 'x' });
        const { commitSha } = await snapshot({ mirror, copy, message: 'w', moveBranch: true });
        return { mirror, source: { commit: commitSha, label: `w${number}` } };
      }),
    );
    const results = await Promise.all([
      made.merge({ target }),
      ...others.map((other) => made.merge({ ...other, target })),
    ]);
    expect(results.map(({ outcome }) => outcome)).toEqual(['MERGED', 'MERGED', 'MERGED', 'MERGED']);
    for (const commitSha of [source, ...others.map((other) => other.source.commit)]) {
      expect(run(origin, 'merge-base', '--is-ancestor', commitSha, 'main')).toBe('');
    }
  });

  it('stops at once when a hook of the remote declines', async () => {
    const { origin, merge } = await pair({ x: 'x' }, { bare: true });
    write(origin, { 'hooks/pre-receive': '#!/bin/sh\necho not today >&2\nexit 1\n' });
    (await import('node:fs')).chmodSync(join(origin, 'hooks/pre-receive'), 0o755);
    const before = refs(origin);
    await expect(merge({ target })).rejects.toMatchObject({
      code: 'GIT_FAILED',
      message: expect.stringContaining('not today'),
    });
    expect(refs(origin)).toBe(before);
  });

  it('leaves a remote untouched by a conflict and a dry run', async () => {
    const { root, origin, merge, mirror } = await pair({ 'b.txt': 'task\n' }, { bare: true });
    const before = refs(origin);
    expect(await merge({ target, dryRun: true })).toMatchObject({ outcome: 'MERGED', commitSha: null });
    expect(refs(origin)).toBe(before);
    run(root, 'clone', '-q', origin, 'other');
    const theirs = commit(join(root, 'other'), { 'b.txt': 'theirs\n' });
    run(join(root, 'other'), 'push', '-q', 'origin', 'main');
    const result = await merge({ target });
    expect(result).toMatchObject({ outcome: 'CONFLICT', conflicts: [{ path: 'b.txt', oursCommit: theirs }] });
    expect(run(origin, 'rev-parse', 'main')).toBe(theirs);
    expect(refs(mirror.dir)).not.toContain('publish');
  });

  it('says so when the branch does not exist', async () => {
    const { merge } = await pair({ x: 'x' });
    await expect(merge({ target: { kind: 'branch', branch: 'none' } })).rejects.toMatchObject({
      code: 'REVISION_NOT_FOUND',
    });
    await expect(merge({ target: { kind: 'branch', branch: '-x' } })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });

  it('brings a clean checkout of a person along, and merges two at once into it', async () => {
    const made = await pair({ 'a.txt': edited(3, 'one') });
    const second = await work(made, await made.copy('other'), { 'a.txt': edited(15, 'two') });
    writeFileSync(join(made.origin, 'untracked'), 'mine');
    const results = await Promise.all([
      made.merge({ target }),
      made.merge({ target, source: { commit: second, label: 'o' } }),
    ]);
    expect(results.map(({ outcome }) => outcome)).toEqual(['MERGED', 'MERGED']);
    expect(readFileSync(join(made.origin, 'a.txt'), 'utf8')).toBe(
      LINES.with(3, 'one\n').with(15, 'two\n').join(''),
    );
    expect(run(made.origin, 'status', '--porcelain')).toBe('?? untracked');
  });
});
