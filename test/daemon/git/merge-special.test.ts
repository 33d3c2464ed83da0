import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { mergeInto } from '../../../src/daemon/git/merge.ts';
import { openMirror } from '../../../src/daemon/git/mirror.ts';
import { snapshot } from '../../../src/daemon/git/snapshot.ts';
import { createWorkingCopy } from '../../../src/daemon/git/working-copy.ts';
import { commit, run, world, write } from './support.ts';

const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12345\n`;
const ATTRIBUTES = '*.bin filter=lfs diff=lfs merge=lfs -text\n';

it('leaves submodules and LFS pointers what they are: restored, merged and brought along', async () => {
  const { origin, root } = await world({ files: { '.gitattributes': ATTRIBUTES, 'big.bin': POINTER } });
  const link = run(origin, 'rev-parse', 'HEAD');
  run(origin, 'update-index', '--add', '--cacheinfo', `160000,${link},sub`);
  write(origin, { '.gitmodules': '[submodule "sub"]\n\tpath = sub\n\turl = ../sub\n' });
  run(origin, 'add', '.gitmodules');
  run(origin, 'commit', '-q', '-m', 'submodule');
  const mirror = await openMirror({ mirrorsDir: join(root, 'm'), source: { localPath: origin } });
  const copy = (id: string) =>
    createWorkingCopy({ mirror, worktreeId: id, path: join(root, id), branch: id, start: {} });
  const [supervisor, task] = [await copy('sup'), await copy('task')];
  const other = POINTER.replace('12345', '54321');
  write(task.path, { 'x.txt': 'x', 'more.bin': other, 'big.bin': other });
  // An agent that moves the submodule on, in the index as `git submodule update` and `git add` do.
  run(task.path, 'update-index', '--cacheinfo', `160000,${run(origin, 'rev-parse', 'HEAD')},sub`);
  run(task.path, 'commit', '-q', '-m', 'moved on');
  const { commitSha, skipped } = await snapshot({ mirror, copy: task, message: 'work', moveBranch: true });
  expect(skipped).toEqual([]);
  const merged = await mergeInto({
    mirror,
    source: { commit: commitSha, label: 'task' },
    target: { kind: 'workingCopy', copy: supervisor },
    squash: false,
    dryRun: false,
    message: 'Merge',
  });
  expect(merged.outcome).toBe('MERGED');
  expect(run(supervisor.path, 'ls-files', '--stage', 'sub')).toContain(
    `160000 ${run(origin, 'rev-parse', 'HEAD')}`,
  );
  expect(readFileSync(join(supervisor.path, 'big.bin'), 'utf8')).toBe(other);
  expect(readFileSync(join(supervisor.path, 'more.bin'), 'utf8')).toBe(other);
  // Nobody has fetched anything into the submodule.
  expect(run(supervisor.path, 'status', '--porcelain', '--ignore-submodules=none')).toBe('');
});

it('says MERGED only of a branch that was read back: not when the remote puts it back at once', async () => {
  const { origin, mirror, copy } = await world({ bare: true });
  const task = await copy('task');
  const source = commit(task.path, { x: 'x' });
  await snapshot({ mirror, copy: task, message: 'work' });
  const before = run(origin, 'rev-parse', 'main');
  write(origin, { 'hooks/post-receive': `#!/bin/sh\ngit update-ref refs/heads/main ${before}\n` });
  chmodSync(join(origin, 'hooks/post-receive'), 0o755);
  const merging = mergeInto({
    mirror,
    source: { commit: source, label: 'task' },
    target: { kind: 'branch', branch: 'main' },
    squash: true,
    dryRun: false,
    message: 'Merge',
    timeoutMs: 1,
  });
  await expect(merging).rejects.toMatchObject({ code: 'TARGET_MOVED' });
  expect(run(origin, 'rev-parse', 'main')).toBe(before);
});
