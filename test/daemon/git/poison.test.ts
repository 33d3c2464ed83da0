import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { diffCommits } from '../../../src/daemon/git/diff.ts';
import { mergeInto } from '../../../src/daemon/git/merge.ts';
import { captureWorkingTree, snapshot } from '../../../src/daemon/git/snapshot.ts';
import { removeWorkingCopy } from '../../../src/daemon/git/working-copy.ts';
import { commit, run, tryRun, world, write } from './support.ts';

const HOOKS = [
  'pre-commit',
  'post-commit',
  'post-checkout',
  'post-merge',
  'reference-transaction',
  'post-index-change',
  'pre-auto-gc',
  'fsmonitor-watchman',
];

/** Makes a repository run `touch canaries/<name>` wherever its configuration can make git run something. */
function poison(repo: string, canaries: string, tag: string): void {
  // Ours, which switches filters off, is the agent's to delete.
  rmSync(join(repo, '.git/info/attributes'), { force: true });
  const touch = (name: string) => `touch ${canaries}/${tag}-${name};`;
  for (const hook of HOOKS) {
    write(repo, { [`.git/hooks/${hook}`]: `#!/bin/sh\n${touch(hook)}\n` });
    chmodSync(join(repo, '.git/hooks', hook), 0o755);
  }
  const set = (key: string, value: string) => run(repo, 'config', key, value);
  set('core.hooksPath', join(repo, '.git/hooks'));
  set('core.sshCommand', touch('ssh'));
  set('core.pager', touch('pager'));
  set('core.editor', touch('editor'));
  set('core.gitProxy', touch('proxy'));
  set('core.alternateRefsCommand', touch('alternates'));
  set('filter.evil.clean', `${touch('clean')} cat`);
  set('filter.evil.smudge', `${touch('smudge')} cat`);
  set('filter.evil.required', 'true');
  set('filter.proc.process', touch('process'));
  set('diff.evil.textconv', touch('textconv'));
  set('diff.evil.command', touch('diff'));
  set('diff.external', touch('external'));
  set('merge.evil.driver', touch('merge'));
  set('gpg.program', touch('gpg'));
  set('commit.gpgSign', 'true');
  set('credential.helper', `!${touch('credential')}`);
  for (const alias of [
    'update-index',
    'pack-objects',
    'rev-parse',
    'symbolic-ref',
    'update-ref',
    'add',
    'status',
  ])
    set(`alias.${alias}`, `!${touch(`alias-${alias}`)}`);
  set('remote.evil.url', 'ssh://example.invalid/x');
  set('remote.evil.uploadpack', touch('uploadpack'));
  set('remote.evil.promisor', 'true');
  set('url.ext::sh -c evil.insteadOf', 'file://');
  set('uploadpack.packObjectsHook', touch('packhook'));
  // Last: from here on, git itself would run it.
  set('core.fsmonitor', touch('fsmonitor'));
}

const AGENT = { uid: 65534, gid: 65534 };
const isRoot = process.getuid?.() === 0;

describe.each([
  ['as the one user that there is', undefined],
  ...(isRoot ? [['as a user of its own', AGENT] as const] : []),
] as const)('an agent that runs %s', (_, user) => {
  /** As if the agent had done it. */
  const give = (path: string) => {
    if (user) execFileSync('chown', ['-hR', `${user.uid}:${user.gid}`, path]);
  };

  it('runs nothing that an agent put into the git of its copy, or of repositories inside it', async () => {
    const { root, mirror, copy } = await world({ files: { 'a.txt': 'a\n', 'b.txt': 'b\n' }, user });
    const canaries = canariesIn(root);
    const task = await copy('task');
    const source = commit(task.path, { 'b.txt': 'task\n', 'c.txt': 'c\n' });
    give(task.path);
    await snapshot({ mirror, copy: task, message: 's' });

    const victim = await copy('victim');
    const nested = join(victim.path, 'nested');
    mkdirSync(nested);
    run(nested, 'init', '-q');
    const submodule = commit(nested, { n: 'n' });
    run(victim.path, 'update-index', '--add', '--cacheinfo', `160000,${submodule},nested`);
    commit(victim.path, {
      '.gitattributes': '* filter=evil diff=evil merge=evil\n*.p filter=proc\n',
      'a.txt': 'mine\n',
    });
    mkdirSync(join(victim.path, 'second'));
    run(join(victim.path, 'second'), 'init', '-q');
    commit(join(victim.path, 'second'), { s: 's' });
    poison(nested, canaries, 'nested');
    poison(join(victim.path, 'second'), canaries, 'second');
    poison(victim.path, canaries, 'copy');
    write(victim.path, { 'x.p': 'x', 'd.txt': 'd', 'second/t': 't', 'nested/u': 'u' });
    // Of the same size, so that a status inside has to run the filter to know.
    for (const inner of ['nested/n', 'second/s'])
      write(victim.path, { [inner]: '!', [join(inner, '../.gitattributes')]: '* filter=evil\n' });

    give(victim.path);
    const first = await snapshot({ mirror, copy: victim, message: 's' });
    expect(first).toMatchObject({ created: true });
    write(victim.path, { 'd.txt': 'dd' });
    await snapshot({ mirror, copy: victim, message: 's' });
    const { treeSha } = await captureWorkingTree({ mirror, copy: victim });
    await diffCommits({ mirror, from: victim.baseSha, to: treeSha });
    const target = { kind: 'workingCopy', copy: victim } as const;
    const merged = await mergeInto({
      mirror,
      source: { commit: source, label: 't' },
      target,
      squash: false,
      dryRun: false,
      message: 'm',
    });
    expect(merged.outcome).toBe('MERGED');
    await snapshot({ mirror, copy: victim, message: 's', moveBranch: true });
    // Put in the place of its own: what a copy says its git directory is, is not believed.
    const other = join(root, 'copies', 'other');
    renameSync(join(victim.path, '.git'), other);
    write(victim.path, { '.git': `gitdir: ${other}\n` });
    give(victim.path);
    await snapshot({ mirror, copy: victim, message: 's' });
    rmSync(join(victim.path, '.git'));
    renameSync(other, join(victim.path, '.git'));
    await removeWorkingCopy({ mirror, copy: victim }).catch(() =>
      removeWorkingCopy({ mirror, copy: victim, force: true }),
    );
    expect(readdirSync(canaries)).toEqual([]);
  });

  it('would be seen: the same poison runs in a git of a person', async () => {
    const { root, copy } = await world({ user });
    const canaries = canariesIn(root);
    const victim = await copy('victim');
    poison(victim.path, canaries, 'copy');
    write(victim.path, { '.gitattributes': '* filter=evil\n', 'x.txt': 'x' });
    tryRun(victim.path, 'status');
    tryRun(victim.path, 'add', '-A');
    expect(readdirSync(canaries)).toEqual(expect.arrayContaining(['copy-fsmonitor', 'copy-clean']));
  });
});

/** Where anybody may leave a trace. */
function canariesIn(root: string): string {
  const dir = join(root, 'canaries');
  mkdirSync(dir);
  chmodSync(dir, 0o777);
  return dir;
}

it('fetches nothing from a promised remote for commits whose objects are missing', async () => {
  const { root, mirror, copy } = await world();
  const victim = await copy('victim');
  const canary = join(root, 'canary');
  commit(victim.path, { x: '1' });
  const blob = run(victim.path, 'rev-parse', 'HEAD:x');
  rmSync(join(victim.path, '.git/objects', blob.slice(0, 2), blob.slice(2)));
  run(victim.path, 'config', 'core.repositoryFormatVersion', '1');
  run(victim.path, 'config', 'extensions.partialClone', 'evil');
  run(victim.path, 'config', 'remote.evil.url', `file://${root}/origin`);
  run(victim.path, 'config', 'remote.evil.promisor', 'true');
  run(victim.path, 'config', 'remote.evil.uploadpack', `touch ${canary}; git-upload-pack`);
  const taken = await snapshot({ mirror, copy: victim, message: 's' });
  expect(taken.skipped).toHaveLength(1);
  expect(run(mirror.dir, 'cat-file', '-p', `${taken.commitSha}:x`)).toBe('1');
  expect(existsSync(canary)).toBe(false);
});
