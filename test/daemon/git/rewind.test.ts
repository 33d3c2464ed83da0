import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { rewindWorkingCopy } from '../../../src/daemon/git/rewind.ts';
import { snapshot } from '../../../src/daemon/git/snapshot.ts';
import { commit, listing, refs, run, world, write } from './support.ts';

it('puts files and branch back, and can be undone with what was there before', async () => {
  const { mirror, copy } = await world({ files: { 'a.txt': 'a\n', '.gitignore': '*.log\n' } });
  const made = await copy('t1');
  write(made.path, { 'a.txt': 'first\n', 'x.log': 'kept' });
  const first = await snapshot({ mirror, copy: made, message: 'one' });
  const mine = commit(made.path, { 'a.txt': 'second\n', 'b.txt': 'b\n' });
  write(made.path, { 'c.txt': 'uncommitted\n' });
  const before = await rewindWorkingCopy({ mirror, copy: made, commit: first.commitSha });
  expect(readFileSync(join(made.path, 'a.txt'), 'utf8')).toBe('first\n');
  expect(existsSync(join(made.path, 'b.txt'))).toBe(false);
  expect(readFileSync(join(made.path, 'x.log'), 'utf8')).toBe('kept');
  expect(run(made.path, 'status', '--porcelain')).toBe('');
  await rewindWorkingCopy({ mirror, copy: made, commit: before.commitSha, head: mine });
  expect(run(made.path, 'rev-parse', 'HEAD')).toBe(mine);
  expect(run(made.path, 'status', '--porcelain')).toBe('?? c.txt');
});

it('changes nothing when an ignored file is in the way', async () => {
  const { mirror, copy } = await world({ files: { 'a.txt': 'a\n' } });
  const made = await copy('t1');
  write(made.path, { 'x.log': 'theirs' });
  const first = await snapshot({ mirror, copy: made, message: 'one' });
  write(made.path, { '.gitignore': '*.log\n', 'x.log': 'mine' });
  await snapshot({ mirror, copy: made, message: 'two' });
  const state = [listing(made.path), refs(mirror.dir)];
  await expect(rewindWorkingCopy({ mirror, copy: made, commit: first.commitSha })).rejects.toMatchObject({
    code: 'TARGET_DIRTY',
  });
  expect([listing(made.path), refs(mirror.dir)]).toEqual(state);
});

it('refuses a copy that is in the middle of a merge, or was changed after it had been saved, and leaves it', async () => {
  const { mirror, copy } = await world({ files: { 'a.txt': 'a\n' } });
  const made = await copy('t1');
  write(made.path, { 'a.txt': 'one\n' });
  const first = await snapshot({ mirror, copy: made, message: 'one' });
  write(made.path, { 'b.txt': 'later\n' });
  const state = listing(made.path);
  const rewind = (expected?: string) =>
    rewindWorkingCopy({ mirror, copy: made, commit: made.baseSha, expected });
  await expect(rewind(first.commitSha)).rejects.toMatchObject({ code: 'TARGET_DIRTY' });
  expect(listing(made.path)).toEqual(state);

  write(made.path, { '.git/MERGE_HEAD': made.baseSha });
  await expect(rewind()).rejects.toMatchObject({
    code: 'TARGET_DIRTY',
    reason: 'is in the middle of a merge',
  });
  expect(readFileSync(join(made.path, 'b.txt'), 'utf8')).toBe('later\n');
});
