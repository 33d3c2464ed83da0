import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  absolutePath,
  branchName,
  names,
  refName,
  remoteUrl,
  worktreeKey,
} from '../../../src/daemon/git/names.ts';
import { readCopyFile } from '../../../src/daemon/git/read-file.ts';
import { ROOT } from '../../support/processes.ts';
import { scratch } from '../support.ts';
import { run, tryRun, write } from './support.ts';

/** What the check returns, or null where it refuses. Anything but a refusal is a failure of the test. */
function accepted(check: (value: string) => string, value: string): string | null {
  try {
    return check(value);
  } catch (error) {
    expect(error).toMatchObject({ code: 'INVALID_INPUT' });
    return null;
  }
}

const trick = fc.constantFrom(
  ...[
    '..',
    '.',
    '/',
    '//',
    '-',
    '--',
    '@',
    '@{',
    '~',
    '^',
    ':',
    '::',
    '?',
    '*',
    '[',
    '\\',
    ' ',
    '\t',
    '\n',
    '\0',
    '\x7f',
  ],
  ...[
    '.lock',
    '.git',
    'HEAD',
    'refs/',
    'refs/heads/',
    'ext::',
    'fd::',
    '%2e%2e',
    '%00',
    '%0a',
    '\uD800',
    'é',
    '雪',
    '\u202e',
  ],
  ...['--upload-pack=touch canary', '--output=x', '-oProxyCommand=x', '$(x)', '`x`', ';', '|', '&', "'", '"'],
);
const word = fc.oneof(
  fc.constantFrom('a', 'main', 'feature', 'x1'),
  fc.string({ unit: 'grapheme', maxLength: 4 }),
);
const nasty = fc.array(fc.oneof(trick, word), { maxLength: 8 }).map((parts) => parts.join(''));

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
const CONTROL = /[\0-\x1f\x7f]/;

describe('a name of any text', () => {
  it('that is taken for a branch is one for git too, and behind names() never an option', () => {
    const dir = scratch();
    run(dir, 'init', '-q');
    const taken = fc
      .sample(
        fc.oneof(
          nasty,
          word,
          fc.tuple(word, word).map((parts) => parts.join('/')),
        ),
        3_000,
      )
      .map((value) => accepted(branchName, value))
      .filter((name): name is string => name !== null);
    const unique = [...new Set(taken)].slice(0, 100);
    expect(unique.length).toBeGreaterThan(50);
    for (const name of unique) {
      expect(tryRun(dir, 'check-ref-format', '--branch', name), JSON.stringify(name)).toBe(0);
      expect(name.startsWith('-')).toBe(false);
      expect(accepted(refName, `refs/heads/${name}`)).toBe(`refs/heads/${name}`);
    }
    expect(names(...(unique as never[]))[0]).toBe('--end-of-options');
  });

  it('that git refuses for a branch is refused', () => {
    for (const value of new Set(fc.sample(nasty, 120)))
      if (!value.includes('\0') && tryRun('/', 'check-ref-format', '--branch', value) !== 0)
        expect(accepted(branchName, value), JSON.stringify(value)).toBeNull();
  });

  it('that is taken for a remote runs no command and is no option, however it is encoded', () => {
    const scheme = fc.constantFrom(
      'https://',
      'ssh://',
      'file://',
      'git://',
      'ext::',
      'http://',
      '',
      'git@',
      '/',
    );
    const url = fc
      .tuple(scheme, fc.constantFrom('example.org', 'user@host', '-oX', '', '[::1]'), nasty)
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(url, (value) => {
        const remote = accepted(remoteUrl, value);
        if (remote === null) return;
        expect(remote).toBe(value);
        expect(remote).not.toMatch(/^-|^[^/]*::|\s/);
        // Only a URL is ever decoded; a path with a percent sign is a path with a percent sign.
        const isPath = remote.startsWith('/');
        const read = !isPath && remote.includes('://') ? decodeURIComponent(remote) : remote;
        expect(read).not.toMatch(CONTROL);
        // A colon divides nothing in a path.
        expect(read.split(isPath ? /[/\\]/ : /[:/\\]/)).not.toContain('..');
        expect(remote).toMatch(/^(https?|ssh|git):\/\/[^/]|^file:\/\/\/|^\/|^\w[\w.-]*@[A-Za-z0-9]/);
      }),
      { numRuns: 3_000 },
    );
  });

  it('that is taken for a key or an absolute path stays where it is put', () => {
    fc.assert(
      fc.property(nasty, (value) => {
        const key = accepted(worktreeKey, value);
        if (key !== null) expect(relative('/data/worktrees', resolve('/data/worktrees', key))).toBe(key);
        const path = accepted(absolutePath, `/data/${value}`);
        if (path !== null) expect(`${resolve(path)}${sep}`.startsWith('/data/')).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });
});

it('no path of any text reads anything outside of a working copy, or in its .git, and nothing hangs', async () => {
  const root = scratch();
  const path = join(root, 'copy');
  write(path, { 'a.txt': 'inside', 'dir/b.txt': 'inside', '.git/config': 'secret', 'dir/.git/x': 'secret' });
  write(root, { 'outside.txt': 'secret', 'copy-2/a.txt': 'secret' });
  for (const [name, target] of [
    ['up', '..'],
    ['out', '../outside.txt'],
    ['absolute', root],
    ['loop', 'loop'],
    ['git', '.git'],
    ['within', 'dir'],
    ['dir/back', '../..'],
  ] as const)
    symlinkSync(target, join(path, name));
  const part = fc.oneof(
    fc.constantFrom(
      'a.txt',
      'dir',
      'b.txt',
      'up',
      'out',
      'absolute',
      'loop',
      'git',
      'within',
      'back',
      'copy',
      'copy-2',
      'outside.txt',
    ),
    fc.constantFrom(
      '..',
      '.',
      '',
      '.git',
      '.GIT',
      'config',
      '%2e%2e',
      '..%2f',
      '\\..',
      '\0',
      ' ',
      '\u2025',
      '．．',
      'proc',
      'self',
    ),
    word,
  );
  const separator = fc.constantFrom('/', '/', '//', '/./', '\\');
  const anything = fc
    .array(fc.tuple(part, separator), { minLength: 1, maxLength: 6 })
    .map((parts) => parts.flat().slice(0, -1).join(''));
  const there = fc.constantFrom('a.txt', 'dir/b.txt', 'within/b.txt', './a.txt', 'dir//b.txt');
  const file = fc.oneof(
    { weight: 8, arbitrary: anything },
    there,
    fc.tuple(part, there).map((parts) => parts.join('/')),
    fc.tuple(there, part).map((parts) => parts.join('/')),
  );
  let inside = 0;
  await fc.assert(
    fc.asyncProperty(file, async (asked) => {
      const read = await readCopyFile({ copy: { path }, path: asked }).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'FORBIDDEN_PATH' });
        return null;
      });
      if (read?.exists) inside += 1;
      if (read?.exists) expect(read.content.toString(), asked).toBe('inside');
    }),
    { numRuns: 2_000 },
  );
  expect(inside).toBeGreaterThan(20);
});

describe('programs are started', () => {
  const source = join(ROOT, 'src');
  const files = (readdirSync(source, { recursive: true }) as string[]).filter((file) => file.endsWith('.ts'));
  const textOf = (file: string) => readFileSync(join(source, file), 'utf8');

  it('in these files only', () => {
    const starting = files.filter((file) => /from '(node:child_process|execa)'/.test(textOf(file)));
    expect(starting.sort()).toEqual(STARTING);
  });

  // doctor asks git for its version, and opens no repository.
  it('and git in one of them, but for the sample repository of the demonstration and the look at its version', () => {
    const running = files.filter((file) => /\b\w+\(\s*['"`]git['"`]/.test(textOf(file)));
    expect(running.sort()).toEqual(['cli/demo/repository.ts', 'cli/doctor/machine.ts', 'daemon/git/run.ts']);
  });
});

const STARTING = [
  'cli/demo/repository.ts',
  'cli/doctor/machine.ts',
  'cli/processes.ts',
  'daemon/agent-user.ts',
  'daemon/agents/child.ts',
  'daemon/agents/process-group.ts',
  'daemon/data-directory.ts',
  'daemon/git/run.ts',
  'daemon/git/stage.ts',
];
