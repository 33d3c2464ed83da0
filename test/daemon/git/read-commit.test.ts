import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openMirror } from '../../../src/daemon/git/mirror.ts';
import { readCommitFile } from '../../../src/daemon/git/read-commit.ts';
import { scratch } from '../support.ts';
import { commit, repository, run } from './support.ts';

/** One commit for all tests: they only read. */
let read: (path: string, limitBytes?: number) => ReturnType<typeof readCommitFile>;

beforeAll(async () => {
  const root = execFileSync('mktemp', ['-d'], { encoding: 'utf8' }).trim();
  const origin = repository(join(root, 'origin'), { 'a.txt': 'hello', 'dir/b.txt': 'b', empty: '' });
  const links = {
    inside: 'dir/b.txt',
    'dir/up': '../a.txt',
    'to-dir': 'dir',
    out: '../origin/a.txt',
    absolute: '/etc/passwd',
    'dir/far': '../../../../etc/passwd',
    git: '.git/config',
    dangling: 'nowhere',
    loop: 'loop',
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(origin, name));
  for (let at = 0; at < 50; at += 1)
    symlinkSync(at === 0 ? 'a.txt' : `chain${at - 1}`, join(origin, `chain${at}`));
  run(origin, 'update-index', '--add', '--cacheinfo', `160000,${run(origin, 'rev-parse', 'HEAD')},module`);
  const tip = commit(origin, { 'new\nline': 'n', 'sp ace:x': 's', bytes: Buffer.from([0, 255]) });
  const mirror = await openMirror({ mirrorsDir: join(root, 'mirrors'), source: { localPath: origin } });
  read = (path, limitBytes = 1_000) => readCommitFile({ mirror, commit: tip, path, limitBytes });
  return () => execFileSync('rm', ['-rf', root]);
});

describe('a file of a commit', () => {
  it.each([
    ['a.txt', 'hello'],
    ['./dir//b.txt', 'b'],
    ['inside', 'b'],
    ['dir/up', 'hello'],
    ['to-dir/b.txt', 'b'],
    ['to-dir/up', 'hello'],
    ['chain30', 'hello'],
    ['new\nline', 'n'],
    ['sp ace:x', 's'],
    ['empty', ''],
  ])('%j is read', async (path, content) => {
    const file = await read(path);
    expect(file).toEqual({
      exists: true,
      content: Buffer.from(content),
      size: content.length,
      truncated: false,
    });
  });

  it('is read as bytes, and cut at the limit', async () => {
    expect((await read('bytes')).content).toEqual(Buffer.from([0, 255]));
    expect(await read('a.txt', 2)).toMatchObject({ content: Buffer.from('he'), size: 5, truncated: true });
  });

  it.each(['missing', 'dir/missing', 'a.txt/x', 'module/x'])('%s is not there', async (path) => {
    expect(await read(path)).toMatchObject({ exists: false, size: 0 });
  });

  it.each([
    'out',
    'absolute',
    'dir/far',
    'git',
    'dangling',
    'loop',
    'chain49',
    'dir',
    'to-dir',
    '.',
    '',
    '..',
    'dir/../a.txt',
    '/etc/passwd',
    '.git/config',
    'dir/.GIT/x',
    'a\0b',
  ])('%j is refused', async (path) => {
    await expect(read(path)).rejects.toMatchObject({ code: 'FORBIDDEN_PATH' });
  });
});

it('a commit that is not there is no missing file', async () => {
  const root = scratch();
  const origin = repository(join(root, 'origin'));
  const mirror = await openMirror({ mirrorsDir: join(root, 'mirrors'), source: { localPath: origin } });
  const reading = readCommitFile({ mirror, commit: 'f'.repeat(40), path: 'README.md', limitBytes: 10 });
  await expect(reading).rejects.toMatchObject({ code: 'REVISION_NOT_FOUND' });
});
