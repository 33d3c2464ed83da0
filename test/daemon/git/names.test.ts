import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openMirror, resolveCommit } from '../../../src/daemon/git/mirror.ts';
import {
  absolutePath,
  branchName,
  objectId,
  refName,
  remoteUrl,
  worktreeKey,
} from '../../../src/daemon/git/names.ts';
import { scratch } from '../support.ts';
import { tryRun, world } from './support.ts';

const refused = { code: 'INVALID_INPUT' };

describe('branchName', () => {
  it.each(['main', 'feature/x', 'taskmesh/task_01k', 'a.b', 'ü/雪', "it's", 'a;touch', '$(id)'])(
    'takes %j as git does',
    (name) => {
      expect(tryRun('/', 'check-ref-format', '--branch', name)).toBe(0);
      expect(branchName(name)).toBe(name);
    },
  );

  it.each([
    ...[
      '',
      '-x',
      '--upload-pack=touch canary',
      '--output=/tmp/x',
      'a..b',
      '../x',
      'a/../b',
      '/a',
      'a/',
      'a//b',
      '.a',
      'a/.b',
    ],
    ...[
      'a.lock',
      'a.lock/b',
      'a.',
      'a b',
      'a~1',
      'a^',
      'a:b',
      'a?',
      'a*',
      'a[',
      'a\\b',
      'a@{1}',
      '@',
      'HEAD',
      'a\0b',
      'a\nb',
      'a\u007f',
    ],
    ...['refs/heads/main', 'x'.repeat(300), '\ud800'],
  ])('refuses %j', (name) => {
    expect(() => branchName(name)).toThrow(expect.objectContaining(refused));
  });
});

describe('remoteUrl', () => {
  it.each([
    'https://example.org/a/b.git',
    'https://user:token@example.org/a.git',
    'ssh://git@example.org:22/a.git',
    'git@example.org:a/b.git',
    'git://example.org/a',
    'file:///srv/git/a.git',
    '/srv/git/a.git',
  ])('takes %j', (url) => {
    expect(remoteUrl(url)).toBe(url);
  });

  it.each([
    'ext::sh -c touch% /tmp/canary',
    'ext::sh',
    'fd::17',
    'transport::https://example.org',
    '--upload-pack=touch canary',
    '-oProxyCommand=touch canary',
    'ssh://-oProxyCommand=touch%20canary/x',
    'ssh://git@-oProxyCommand=x/y',
    'ssh://example.org/-x',
    'git@-oProxyCommand=x:y',
    '-x@host:y',
    'git@example.org:-x',
    'host:path',
    'https://example.org/../x',
    'https://example.org//ext::..',
    'https://example.org/%2e%2e/x',
    'https://example.org/a%0ab',
    'https://example.org/%',
    'https:///x',
    'http://exa mple.org',
    'ftp://example.org/x',
    'javascript://x/y',
    'file://host/x',
    'file:///a/../b',
    '/a/../b',
    'relative/path',
    './x',
    '',
    'https://example.org/a\0b',
    'https://example.org/a\n--upload-pack=x',
  ])('refuses %j', (url) => {
    expect(() => remoteUrl(url)).toThrow(expect.objectContaining({ ...refused, field: 'url' }));
  });

  it('refuses a helper URL before git sees it', async () => {
    const root = scratch();
    const canary = join(root, 'canary');
    for (const url of [`ext::touch ${canary}`, `ext::touch% ${canary}`, `--upload-pack=touch ${canary}`]) {
      await expect(openMirror({ mirrorsDir: join(root, 'm'), source: { url } })).rejects.toMatchObject(
        refused,
      );
    }
    expect(existsSync(canary)).toBe(false);
  });
});

describe('other names', () => {
  it.each(['', 'main', 'abc', 'A'.repeat(40), `${'a'.repeat(40)}^{tree}`, `--${'a'.repeat(38)}`])(
    'objectId refuses %j',
    (id) => {
      expect(() => objectId(id)).toThrow(expect.objectContaining(refused));
    },
  );

  it.each(['', '-x', '../x', 'a/b', 'a.b', 'a b', 'x'.repeat(129)])('worktreeKey refuses %j', (id) => {
    expect(() => worktreeKey(id)).toThrow(expect.objectContaining(refused));
  });

  it.each(['', 'x', './x', '/a/../b', '/a\0'])('absolutePath refuses %j', (path) => {
    expect(() => absolutePath(path)).toThrow(expect.objectContaining(refused));
  });

  it('refName wants a full name', () => {
    expect(refName('refs/heads/x')).toBe('refs/heads/x');
    expect(() => refName('heads/x')).toThrow(expect.objectContaining(refused));
  });

  it.each(['--all', '-x', 'main^', 'main~1', ':/first', 'main:README.md', '@{-1}', 'HEAD'])(
    'resolveCommit refuses %j',
    async (rev) => {
      const { mirror } = await world();
      await expect(resolveCommit(mirror, rev)).rejects.toMatchObject(refused);
    },
  );
});
