import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { restoreBundle, writeBundle } from '../../../src/daemon/git/bundle.ts';
import { openMirror } from '../../../src/daemon/git/mirror.ts';
import { snapshot } from '../../../src/daemon/git/snapshot.ts';
import { createWorkingCopy } from '../../../src/daemon/git/working-copy.ts';
import { keeper } from './kept.ts';
import { build, commit, refs, run, write } from './support.ts';

/** A checkpoint of a working copy, its data, and a mirror of another machine that has only the base. */
const checkpoint = keeper(async (root) => {
  const made = await build(root);
  const copy = await made.copy('t1');
  const mine = commit(copy.path, { 'mine.txt': 'm' }, 'mine');
  write(copy.path, { 'bin.dat': Buffer.from([0, 255]), empty: '', 'README.md': 'one\n2\nthree\n' });
  symlinkSync('/etc/passwd', join(copy.path, 'link'));
  const { commitSha } = await snapshot({ mirror: made.mirror, copy, message: 's' });
  const file = join(made.root, 'data', 'one.bundle');
  const ids = { worktreeId: 't1', commit: commitSha, base: copy.baseSha, file };
  const written = await writeBundle({ mirror: made.mirror, ...ids });
  const other = await openMirror({ mirrorsDir: join(made.root, 'other'), source: made.mirror.source });
  return { ...made, copy, mine, ids, written, other };
});

describe('checkpoint data', () => {
  it('restores the same commits with the same ids where only the base is', async () => {
    const { mirror, other, ids, mine, written, root } = await checkpoint();
    expect(written.bytes).toBe(readFileSync(ids.file).length);
    await restoreBundle({ mirror: other, ...ids });
    expect(run(other.dir, 'rev-list', ids.commit)).toBe(run(mirror.dir, 'rev-list', ids.commit));
    expect(run(other.dir, 'rev-parse', `${ids.commit}^`)).toBe(mine);
    expect(run(other.dir, 'fsck', '--strict', '--no-dangling')).toBe('');
    const options = {
      mirror: other,
      worktreeId: 't1',
      path: join(root, 'restored'),
      branch: 'b',
      base: ids.base,
    };
    const copy = await createWorkingCopy({ ...options, start: { commit: ids.commit } });
    expect(copy.baseSha).toBe(ids.base);
    expect(readFileSync(join(copy.path, 'bin.dat'))).toEqual(Buffer.from([0, 255]));
    expect(run(copy.path, 'status', '--porcelain')).toBe('');
    expect(await snapshot({ mirror: other, copy, message: 's' })).toMatchObject({
      created: false,
      commitSha: ids.commit,
    });
  });

  it('is written for several copies at once that have come to the same commit', async () => {
    const { mirror, ids } = await checkpoint();
    const copies = Array.from({ length: 6 }, (_, index) => ({
      ...ids,
      worktreeId: `same-${index}`,
      file: `${ids.file}-${index}`,
    }));
    const written = await Promise.all(copies.map((copy) => writeBundle({ mirror, ...copy })));
    expect(new Set(written.map(({ bytes }) => bytes)).size).toBe(1);
    for (const { file } of copies) expect(readFileSync(file).length).toBe(written[0]?.bytes);
  });

  it('leaves no ref of its own and can be restored twice', async () => {
    const { mirror, other, ids } = await checkpoint();
    expect(refs(mirror.dir)).not.toContain('bundle');
    await restoreBundle({ mirror: other, ...ids });
    await restoreBundle({ mirror: other, ...ids });
    expect(refs(other.dir)).toContain(`refs/taskmesh/worktrees/t1/snapshot ${ids.commit}`);
  });

  it('takes a base along that no branch of the repository holds', async () => {
    const { mirror, other, ids, mine, root } = await checkpoint();
    const unpublished = { ...ids, base: mine, file: join(root, 'data', 'unpublished') };
    await writeBundle({ mirror, ...unpublished });
    await restoreBundle({ mirror: other, ...unpublished });
    expect(refs(other.dir)).toContain(`refs/taskmesh/worktrees/t1/base ${mine}`);
    expect(run(other.dir, 'rev-list', ids.commit)).toBe(run(mirror.dir, 'rev-list', ids.commit));
  });

  it('takes a base along that is published nowhere, also when the commit does not lead to it', async () => {
    const { mirror, other, ids, mine, copy, root } = await checkpoint();
    // As of a copy that started from a supervisor's commit, whose agent is back on the branch of the repository.
    const back = { ...ids, commit: copy.baseSha, base: mine, file: join(root, 'data', 'back') };
    expect((await writeBundle({ mirror, ...back })).bytes).toBeGreaterThan(0);
    await restoreBundle({ mirror: other, ...back });
    expect(refs(other.dir)).toContain(`refs/taskmesh/worktrees/t1/base ${mine}`);
    expect(refs(other.dir)).toContain(`refs/taskmesh/worktrees/t1/snapshot ${copy.baseSha}`);
    // Unchanged since such a base: the repository does not have that either.
    const unchanged = { ...ids, commit: mine, base: mine, file: join(root, 'data', 'unchanged') };
    expect((await writeBundle({ mirror, ...unchanged })).bytes).toBeGreaterThan(0);
    expect(refs(mirror.dir)).not.toContain('bundle');
  });

  it('needs no data for the base itself', async () => {
    const { mirror, other, ids } = await checkpoint();
    const same = { ...ids, commit: ids.base, file: join(ids.file, '..', 'none') };
    expect(await writeBundle({ mirror, ...same })).toEqual({ bytes: 0 });
    expect(existsSync(same.file)).toBe(false);
    await restoreBundle({ mirror: other, ...same });
    expect(refs(other.dir)).toContain(`refs/taskmesh/worktrees/t1/snapshot ${ids.base}`);
  });

  it.each([
    ['is missing', (file: string) => `${file}.none`],
    [
      'is no bundle',
      (file: string) => {
        writeFileSync(file, 'rubbish');
        return file;
      },
    ],
    [
      'is cut off',
      (file: string) => {
        truncateSync(file, 400);
        return file;
      },
    ],
    [
      'has a flipped byte',
      (file: string) => {
        const bytes = readFileSync(file);
        bytes[bytes.length - 40] = (bytes[bytes.length - 40] ?? 0) ^ 1;
        writeFileSync(file, bytes);
        return file;
      },
    ],
    [
      'is a directory',
      (file: string) => {
        mkdirSync(`${file}.d`);
        return `${file}.d`;
      },
    ],
  ])('refuses data that %s, and sets no ref', async (_title, spoil) => {
    const { other, ids } = await checkpoint();
    const before = refs(other.dir);
    const restored = restoreBundle({ mirror: other, ...ids, file: spoil(ids.file) });
    await expect(restored).rejects.toMatchObject({ code: 'INVALID_BUNDLE', commit: ids.commit });
    expect(refs(other.dir)).toBe(before);
  });

  it('refuses data of another commit, data whose base is not here, and data that is too big', async () => {
    const { mirror, other, ids, mine, root } = await checkpoint();
    const wrong = join(root, 'data', 'wrong');
    copyFileSync(ids.file, wrong);
    await expect(restoreBundle({ mirror: other, ...ids, commit: mine, file: wrong })).rejects.toMatchObject({
      code: 'INVALID_BUNDLE',
    });
    await expect(restoreBundle({ mirror: other, ...ids, maxBytes: 50 })).rejects.toMatchObject({
      code: 'INVALID_BUNDLE',
    });
    // A branch of the repository that the other machine has not seen.
    run(mirror.dir, 'update-ref', 'refs/heads/later', mine);
    const late = { ...ids, base: mine, file: join(root, 'data', 'late') };
    await writeBundle({ mirror, ...late });
    await expect(restoreBundle({ mirror: other, ...late })).rejects.toMatchObject({ code: 'INVALID_BUNDLE' });
    await expect(restoreBundle({ mirror: other, ...late, base: ids.base })).rejects.toMatchObject({
      reason: expect.stringContaining(mine),
    });
  });
});
