import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { mergeInto } from '../../src/daemon/git/merge.ts';
import { type Mirror, openMirror } from '../../src/daemon/git/mirror.ts';
import { snapshot } from '../../src/daemon/git/snapshot.ts';
import { createWorkingCopy, type WorkingCopy } from '../../src/daemon/git/working-copy.ts';
import { childOptions, now, serveCalls } from '../harness/serve-calls.ts';

/**
 * What a daemon does with git for one task, in a process of its own as a daemon is, and what a person would type for it in
 * clones of the same repository: every time with one file changed. Nothing is deleted until the end: ext4 is ten times slower
 * in making files for a while after.
 */
const { files } = childOptions<{ files: number }>();
const root = mkdtempSync(join(tmpdir(), 'taskmesh-bench-'));
const run = promisify(execFile);
const env = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: root,
  GIT_CONFIG_NOSYSTEM: '1',
  ...Object.fromEntries(
    ['AUTHOR', 'COMMITTER'].flatMap((who) => [
      [`GIT_${who}_NAME`, 'A Person'],
      [`GIT_${who}_EMAIL`, 'person@example.org'],
    ]),
  ),
};
const git = (cwd: string, ...args: string[]) => run('git', args, { cwd, env });

const origin = join(root, 'origin');
for (let at = 0; at < files; at += 1) {
  const dir = join(origin, `part-${Math.floor(at / 100)}`);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, `file-${at}.txt`), `${`line of ${at}\n`.repeat(50)}`);
}
await git(origin, 'init', '-q', '-b', 'main');
await git(origin, 'add', '-A');
await git(origin, 'commit', '-q', '-m', 'first');
// As a repository is after a while, for both.
await git(origin, 'gc', '-q');

let number = 0;
const change = (copy: string) =>
  writeFileSync(join(copy, 'part-0', 'file-0.txt'), `changed ${(number += 1)}\n`);

async function timed<Result>(work: () => Promise<Result>): Promise<[milliseconds: number, Result]> {
  const from = now();
  const result = await work();
  return [now() - from, result];
}

const open = () => openMirror({ mirrorsDir: join(root, 'mirrors'), source: { localPath: origin } });
const make = (mirror: Mirror, id: string) =>
  createWorkingCopy({
    mirror,
    worktreeId: id,
    path: join(root, 'copies', id),
    branch: `taskmesh/${id}`,
    start: {},
  });
const save = (mirror: Mirror, copy: WorkingCopy) =>
  snapshot({ mirror, copy, message: 'Work', moveBranch: true });

async function ours(): Promise<Record<string, number>> {
  const id = `copy-${(number += 1)}`;
  const supervisor = await make(await open(), `${id}-supervisor`);
  const [begin, { mirror, task }] = await timed(async () => {
    const mirror = await open();
    return { mirror, task: await make(mirror, id) };
  });
  change(task.path);
  const [checkpoint, { commitSha }] = await timed(() => save(mirror, task));
  const [unchanged] = await timed(() => save(mirror, task));
  const [merge] = await timed(() =>
    mergeInto({
      mirror,
      source: { commit: commitSha, label: id },
      target: { kind: 'workingCopy', copy: supervisor },
      squash: false,
      dryRun: false,
      message: 'Merge',
    }),
  );
  return { begin, checkpoint, unchanged, merge };
}

async function byHand(): Promise<Record<string, number>> {
  const id = `hand-${(number += 1)}`;
  const path = join(root, id);
  const clone = async (to: string) => {
    await git(root, 'clone', '-q', '--shared', origin, to);
    await git(to, 'switch', '-q', '-c', to.split('/').at(-1) ?? '');
  };
  const supervisor = `${path}-supervisor`;
  await clone(supervisor);
  const [begin] = await timed(() => clone(path));
  change(path);
  const [checkpoint] = await timed(async () => {
    await git(path, 'add', '-A');
    await git(path, 'commit', '-q', '-m', 'Work');
  });
  const [unchanged] = await timed(() => git(path, 'status', '--porcelain'));
  const [merge] = await timed(async () => {
    await git(supervisor, 'fetch', '-q', path, id);
    await git(supervisor, 'merge', '-q', '--no-ff', '-m', 'Merge', 'FETCH_HEAD');
  });
  return { begin, checkpoint, unchanged, merge };
}

serveCalls({ ours, byHand }, () => rmSync(root, { recursive: true, force: true }));
