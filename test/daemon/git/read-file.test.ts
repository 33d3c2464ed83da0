import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCopyFile } from '../../../src/daemon/git/read-file.ts';
import { scratch } from '../support.ts';
import { write } from './support.ts';

function place() {
  const root = scratch();
  const path = join(root, 'copy');
  write(path, { 'a.txt': 'hello', 'dir/b.txt': 'b', '.git/config': 'secret', '.gitignore': 'x' });
  write(root, { 'outside.txt': 'secret', 'copy-2/x.txt': 'secret' });
  return { root, path };
}

describe('readCopyFile', () => {
  it('reads a file, whole or cut at the limit', async () => {
    const { path } = place();
    const whole = await readCopyFile({ copy: { path }, path: 'a.txt' });
    expect(whole).toEqual({ exists: true, content: Buffer.from('hello'), size: 5, truncated: false });
    const cut = await readCopyFile({
      copy: { path },
      path: './dir//../a.txt'.replace('dir//../', ''),
      limitBytes: 2,
    });
    expect(cut).toEqual({ exists: true, content: Buffer.from('he'), size: 5, truncated: true });
    expect((await readCopyFile({ copy: { path }, path: '.gitignore' })).exists).toBe(true);
  });

  it.each(['none', 'dir/none', 'a.txt/x', 'x'.repeat(300)])('says that %j does not exist', async (file) => {
    const { path } = place();
    expect(await readCopyFile({ copy: { path }, path: file })).toMatchObject({ exists: false, size: 0 });
  });

  it('follows a link that stays inside', async () => {
    const { path } = place();
    symlinkSync('dir/b.txt', join(path, 'link'));
    expect((await readCopyFile({ copy: { path }, path: 'link' })).content.toString()).toBe('b');
  });

  it.each([
    '..',
    '../outside.txt',
    'dir/../../outside.txt',
    'dir/../a.txt',
    '/etc/passwd',
    '',
    '.',
    '/',
    'a\0b',
    'a.txt\0',
    '../copy-2/x.txt',
  ])('refuses %j', async (file) => {
    const { path } = place();
    await expect(readCopyFile({ copy: { path }, path: file })).rejects.toMatchObject({
      code: 'FORBIDDEN_PATH',
    });
  });

  it.each(['.git/config', '.GIT/config', 'dir/.git/x'])('refuses %j, which is not the work', async (file) => {
    const { path } = place();
    await expect(readCopyFile({ copy: { path }, path: file })).rejects.toMatchObject({
      code: 'FORBIDDEN_PATH',
    });
  });

  it.each([
    ['a link to a file outside', '../outside.txt', 'link'],
    ['an absolute link', '/etc/passwd', 'link'],
    ['a link to a directory outside', '..', 'link/outside.txt'],
    ['a link to a sibling with the same beginning', '../copy-2', 'link/x.txt'],
    ['a link to something outside that does not exist', '../none', 'link'],
    ['a link into .git', '.git/config', 'link'],
    ['a link to itself', 'link', 'link'],
  ])('refuses %s', async (_title, target, file) => {
    const { path } = place();
    symlinkSync(target, join(path, 'link'));
    await expect(readCopyFile({ copy: { path }, path: file })).rejects.toMatchObject({
      code: 'FORBIDDEN_PATH',
    });
  });

  it('refuses a directory, a FIFO and a device, and waits for none of them', async () => {
    const { path } = place();
    execFileSync('mkfifo', [join(path, 'fifo')]);
    mkdirSync(join(path, 'empty'));
    for (const file of ['fifo', 'empty']) {
      await expect(readCopyFile({ copy: { path }, path: file })).rejects.toMatchObject({
        code: 'FORBIDDEN_PATH',
      });
    }
  });

  it('never reads from outside while a directory is swapped for a link', async () => {
    const { root, path } = place();
    write(root, { 'away/b.txt': 'secret' });
    const swap = 'cd "$1"; while :; do mv dir dir.real; ln -s ../away dir; rm dir; mv dir.real dir; done';
    const swapping = (await import('node:child_process')).spawn('sh', ['-c', swap, 'sh', path], {
      stdio: 'ignore',
    });
    try {
      const until = performance.now() + 700;
      while (performance.now() < until) {
        const read = await readCopyFile({ copy: { path }, path: 'dir/b.txt' }).catch(() => null);
        expect(read?.content.toString() ?? '').not.toBe('secret');
      }
    } finally {
      swapping.kill('SIGKILL');
    }
  });
});
