import { chmodSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cutText, diffCommits } from '../../../src/daemon/git/diff.ts';
import { captureWorkingTree, snapshot } from '../../../src/daemon/git/snapshot.ts';
import { world, write } from './support.ts';

describe('diffCommits', () => {
  it('names every kind of change with its lines', async () => {
    const long = Array.from({ length: 30 }, (_, line) => `line ${line}\n`).join('');
    const { mirror, copy } = await world({
      files: { 'edit.txt': 'a\nb\n', 'gone.txt': 'x\n', 'old name.txt': long, 'type.txt': 'x' },
    });
    const made = await copy('t1');
    write(made.path, { 'edit.txt': 'a\nc\nd\n', 'new\tfile': 'n\n', 'bin.dat': Buffer.from([0, 1]) });
    rmSync(join(made.path, 'gone.txt'));
    renameSync(join(made.path, 'old name.txt'), join(made.path, 'ünew.txt'));
    rmSync(join(made.path, 'type.txt'));
    symlinkSync('edit.txt', join(made.path, 'type.txt'));
    const { commitSha } = await snapshot({ mirror, copy: made, message: 's' });
    const diff = await diffCommits({ mirror, from: made.baseSha, to: commitSha });
    const by = Object.fromEntries(diff.files.map(({ path, ...rest }) => [path, rest]));
    expect(by['edit.txt']).toEqual({
      oldPath: null,
      status: 'MODIFIED',
      linesAdded: 2,
      linesRemoved: 1,
      binary: false,
    });
    expect(by['new\tfile']).toMatchObject({ status: 'ADDED', linesAdded: 1 });
    expect(by['gone.txt']).toMatchObject({ status: 'DELETED', linesRemoved: 1 });
    expect(by['ünew.txt']).toMatchObject({
      status: 'RENAMED',
      oldPath: 'old name.txt',
      linesAdded: 0,
      linesRemoved: 0,
    });
    expect(by['type.txt']).toMatchObject({ status: 'TYPE_CHANGED' });
    expect(by['bin.dat']).toMatchObject({ status: 'ADDED', binary: true, linesAdded: 0 });
    expect(diff).toMatchObject({ truncated: false, linesAdded: 2 + 1 + 1, linesRemoved: 1 + 1 + 1 });
    expect(diff.patch).toContain('-b\n+c\n+d\n');
    expect(diff.patch).toContain('Binary files /dev/null and b/bin.dat differ');
  });

  it('also shows the difference to files that are in no snapshot', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    write(made.path, { x: 'x\n' });
    chmodSync(join(made.path, 'x'), 0o755);
    const { treeSha } = await captureWorkingTree({ mirror, copy: made });
    const diff = await diffCommits({ mirror, from: made.baseSha, to: treeSha });
    expect(diff.files).toMatchObject([{ path: 'x', status: 'ADDED' }]);
    expect(diff.patch).toContain('new file mode 100755');
  });

  it('is empty between equal commits', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    expect(await diffCommits({ mirror, from: made.baseSha, to: made.baseSha })).toEqual({
      patch: '',
      files: [],
      linesAdded: 0,
      linesRemoved: 0,
      truncated: false,
    });
  });

  it('cuts the patch on a character, and still counts all of it', async () => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    write(made.path, { x: '雪\n'.repeat(1000) });
    const { commitSha } = await snapshot({ mirror, copy: made, message: 's' });
    for (const maxBytes of [300, 301, 302, 303]) {
      const diff = await diffCommits({ mirror, from: made.baseSha, to: commitSha, maxBytes });
      expect(diff).toMatchObject({ truncated: true, linesAdded: 1000 });
      expect(Buffer.byteLength(diff.patch)).toBeLessThanOrEqual(maxBytes);
      expect(Buffer.byteLength(diff.patch)).toBeGreaterThan(maxBytes - 4);
      expect(diff.patch).not.toContain('\ufffd');
    }
  });

  it.each(['main', '--output=/tmp/canary', 'HEAD'])('refuses %j instead of a commit', async (from) => {
    const { mirror, copy } = await world();
    const made = await copy('t1');
    await expect(diffCommits({ mirror, from, to: made.baseSha })).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    });
  });
});

describe('cutText', () => {
  it('never ends in half a character', () => {
    const bytes = Buffer.from('aü雪😀');
    const cut = Array.from({ length: bytes.length + 2 }, (_, end) => cutText(bytes, end));
    expect(cut).toEqual(['', 'a', 'a', 'aü', 'aü', 'aü', 'aü雪', 'aü雪', 'aü雪', 'aü雪', 'aü雪😀', 'aü雪😀']);
  });
});
