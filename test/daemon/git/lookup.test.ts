import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, rmSync, truncateSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lookUp } from '../../../src/daemon/git/lookup.ts';
import { compactMirror } from '../../../src/daemon/git/mirror-upkeep.ts';
import { processesWith, until } from '../support.ts';
import { commit, run, world } from './support.ts';

const readersOf = (dir: string) =>
  processesWith(`GIT_DIR=${dir}`).filter((pid) => processesWith('--batch-command').includes(pid));

/** A commit that no ref holds. */
const loose = (dir: string, message: string) =>
  run(dir, 'commit-tree', '-m', message, run(dir, 'rev-parse', 'main^{tree}'));
const fileOf = (dir: string, id: string) => join(dir, 'objects', id.slice(0, 2), id.slice(2));

describe('looking up objects and refs of a mirror', () => {
  it('is answered as git itself answers, by one process for many questions at once', async () => {
    const { mirror } = await world();
    const main = run(mirror.dir, 'rev-parse', 'main');
    const tree = run(mirror.dir, 'rev-parse', 'main^{tree}');
    const asked = Array.from({ length: 100 }, (_, at) =>
      lookUp(mirror.dir, at % 2 === 0 ? 'refs/heads/main^{commit}' : `${main}^{tree}`),
    );
    const found = (await Promise.all(asked)).map((one) => one?.id);
    expect(found).toEqual(asked.map((_, at) => (at % 2 === 0 ? main : tree)));
    expect(await lookUp(mirror.dir, 'refs/heads/none^{commit}')).toBeNull();
    expect(await lookUp(mirror.dir, `${tree}^{commit}`)).toBeNull();
    expect(readersOf(mirror.dir)).toHaveLength(1);
  });

  it('sees what others have written since, as objects, as packs and as refs', async () => {
    const { mirror, origin } = await world();
    expect(await lookUp(mirror.dir, 'refs/heads/next')).toBeNull();
    const next = commit(origin, { x: 'x' });
    expect(await lookUp(mirror.dir, next)).toBeNull();
    run(mirror.dir, 'fetch', '-q', origin, 'main:next');
    expect(await lookUp(mirror.dir, next)).toMatchObject({ id: next, type: 'commit' });
    run(mirror.dir, 'repack', '-q', '-a', '-d');
    run(mirror.dir, 'pack-refs', '--all');
    expect((await lookUp(mirror.dir, 'refs/heads/next^{commit}'))?.id).toBe(next);
    run(mirror.dir, 'update-ref', 'refs/heads/next', 'refs/heads/main');
    expect((await lookUp(mirror.dir, 'refs/heads/next'))?.id).not.toBe(next);
  });

  it('finds nothing any more that a clean-up has dropped', async () => {
    const { mirror } = await world();
    const dropped = loose(mirror.dir, 'dropped');
    const packs = join(mirror.dir, 'objects', 'pack');
    const before = new Set(readdirSync(packs));
    execFileSync('git', ['pack-objects', '-q', join(packs, 'pack')], { cwd: mirror.dir, input: dropped });
    rmSync(fileOf(mirror.dir, dropped));
    const longAgo = new Date(Date.now() - 30 * 24 * 3_600_000);
    for (const name of readdirSync(packs))
      if (!before.has(name)) utimesSync(join(packs, name), longAgo, longAgo);
    expect(await lookUp(mirror.dir, dropped)).not.toBeNull();
    await compactMirror(mirror);
    expect(await lookUp(mirror.dir, dropped)).toBeNull();
  });

  it('goes on when its process is killed', async () => {
    const { mirror } = await world();
    const main = run(mirror.dir, 'rev-parse', 'main');
    await lookUp(mirror.dir, main);
    const asked = Array.from({ length: 20 }, () => lookUp(mirror.dir, 'refs/heads/main'));
    for (const pid of readersOf(mirror.dir)) process.kill(pid, 'SIGKILL');
    asked.push(lookUp(mirror.dir, 'refs/heads/main'));
    expect((await Promise.all(asked)).map((found) => found?.id)).toEqual(asked.map(() => main));
  });

  it('takes an object that cannot be read for none, and answers the next question', async () => {
    const { mirror } = await world();
    const broken = loose(mirror.dir, 'broken');
    chmodSync(fileOf(mirror.dir, broken), 0o600);
    truncateSync(fileOf(mirror.dir, broken), 10);
    const asked = [lookUp(mirror.dir, `${broken}^{tree}`), lookUp(mirror.dir, 'refs/heads/main')];
    const [none, main] = await Promise.all(asked);
    expect(none).toBeNull();
    expect(main?.id).toBe(run(mirror.dir, 'rev-parse', 'main'));
  });

  it('refuses a name with a line break, which would be a question of its own', async () => {
    const { mirror } = await world();
    await expect(lookUp(mirror.dir, 'refs/heads/main\ninfo refs/heads/main')).rejects.toThrow(/line break/);
  });

  it('leaves no process behind when nobody asks any more', async () => {
    const { mirror } = await world();
    await lookUp(mirror.dir, 'refs/heads/main');
    expect(readersOf(mirror.dir)).toHaveLength(1);
    await until('its process has ended', () => readersOf(mirror.dir).length === 0);
    expect(readdirSync(mirror.dir)).toContain('HEAD');
  });
});
