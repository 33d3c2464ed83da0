import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CopyTarget, InTheWayError } from '../../../src/daemon/copy-target.ts';
import { ForbiddenPathError } from '../../../src/daemon/git/errors.ts';
import { keepOut } from '../../../src/daemon/git/keep-out.ts';
import { mergeInto } from '../../../src/daemon/git/merge.ts';
import { readCopyFile } from '../../../src/daemon/git/read-file.ts';
import { snapshot } from '../../../src/daemon/git/snapshot.ts';
import { createWorkingCopy, removeWorkingCopy } from '../../../src/daemon/git/working-copy.ts';
import { world } from './support.ts';

const AGENT = { uid: 65534, gid: 65534 };

it.skipIf(process.getuid?.() !== 0)(
  'runs git in a copy as the agent, who cannot write to the mirror',
  async () => {
    const { root, mirror } = await world();
    chmodSync(root, 0o755);
    const make = (id: string) =>
      createWorkingCopy({
        mirror,
        worktreeId: id,
        path: join(root, 'copies', id),
        branch: id,
        start: {},
        user: AGENT,
      });
    const [task, supervisor] = [await make('task'), await make('sup')];
    const agent = (cwd: string, script: string) =>
      execFileSync('sh', ['-c', script], {
        cwd,
        ...AGENT,
        env: { PATH: process.env.PATH, HOME: '/nonexistent' },
        encoding: 'utf8',
      });
    agent(task.path, 'echo x > x && git add x && git commit -q -m mine && echo y > y');
    const taken = await snapshot({ mirror, copy: task, message: 's', moveBranch: true });
    expect(taken).toMatchObject({ created: true, skipped: [], filesChanged: 2 });
    agent(supervisor.path, 'echo z > z');
    const target = { kind: 'workingCopy', copy: supervisor } as const;
    const source = { commit: taken.commitSha, label: 'task' };
    const merged = await mergeInto({ mirror, source, target, squash: false, dryRun: false, message: 'm' });
    expect(merged.outcome).toBe('MERGED');
    expect(agent(supervisor.path, 'git status --porcelain')).toBe('?? z\n');
    for (const entry of readdirSync(supervisor.path, { recursive: true }) as string[]) {
      expect([entry, lstatSync(join(supervisor.path, entry)).uid]).toEqual([entry, AGENT.uid]);
    }
    for (const entry of readdirSync(mirror.dir, { recursive: true }) as string[]) {
      expect([entry, lstatSync(join(mirror.dir, entry)).uid]).toEqual([entry, 0]);
    }
    // A file that the agent may not read is no business of a snapshot.
    execFileSync('sh', ['-c', 'echo secret > root-only; chmod 600 root-only; chown 0:0 root-only'], {
      cwd: task.path,
    });
    expect((await snapshot({ mirror, copy: task, message: 's' })).skipped.join()).toContain('root-only');
    agent(supervisor.path, 'mkdir -p cache/deep && echo 1 > cache/deep/1 && chmod -R a-w cache');
    await snapshot({ mirror, copy: supervisor, message: 's' });
    await removeWorkingCopy({ mirror, copy: supervisor });
    expect(readdirSync(join(root, 'copies')).sort()).toEqual(['task', 'task.taskmesh']);
  },
);

describe.skipIf(process.getuid?.() !== 0)('root, in a copy of the agents’ user', () => {
  const setUp = async () => {
    const made = await world({ user: AGENT });
    const copy = await made.copy('task');
    const secret = join(made.root, 'secret');
    writeFileSync(secret, 'of root', { mode: 0o600 });
    return { ...made, copy, secret };
  };

  it('reads no file that the user could not read, though it has a name there', async () => {
    const { copy, secret } = await setUp();
    linkSync(secret, join(copy.path, 'mine'));
    await expect(readCopyFile({ copy, path: 'mine' })).rejects.toThrow(ForbiddenPathError);
    await expect(readCopyFile({ copy, path: 'README.md' })).resolves.toMatchObject({ exists: true });
  });

  it('writes no list of what is kept out where a link leads', async () => {
    const { mirror, copy, secret } = await setUp();
    rmSync(join(copy.path, '.git/info/exclude'), { force: true });
    mkdirSync(join(copy.path, '.git/info'), { recursive: true });
    symlinkSync(secret, join(copy.path, '.git/info/exclude'));
    await keepOut(mirror, copy, ['.env']).catch(() => undefined);
    expect(readFileSync(secret, 'utf8')).toBe('of root');
  });

  it('gives away nothing that the user put in the place of the new objects', async () => {
    const { mirror, copy, secret } = await setUp();
    const objects = `${copy.path}.taskmesh/objects`;
    for (const put of [() => linkSync(secret, objects), () => symlinkSync(secret, objects)]) {
      rmSync(objects, { recursive: true, force: true });
      put();
      await snapshot({ mirror, copy, message: 's' });
      expect(lstatSync(secret)).toMatchObject({ uid: 0 });
      expect(readFileSync(secret, 'utf8')).toBe('of root');
    }
  });

  it('makes files in directories of the user only, and the user’s', async () => {
    const { root, copy } = await setUp();
    const target = new CopyTarget(copy.path, AGENT);
    await target.makeDirectory('a/b');
    await (await target.create('a/b/c')).close();
    for (const path of ['a', 'a/b', 'a/b/c'])
      expect([path, lstatSync(join(copy.path, path)).uid]).toEqual([path, AGENT.uid]);
    await expect(target.create('a/b/c')).rejects.toMatchObject({ code: 'EEXIST' });
    mkdirSync(join(root, 'elsewhere'));
    symlinkSync(join(root, 'elsewhere'), join(copy.path, 'out'));
    mkdirSync(join(copy.path, 'of-root'));
    for (const dir of ['out', 'of-root', 'README.md']) {
      await expect(target.create(`${dir}/x`)).rejects.toThrow(InTheWayError);
      await expect(target.makeDirectory(`${dir}/x`)).rejects.toThrow(InTheWayError);
      await expect(target.setMode(dir, 0o777)).rejects.toThrow(InTheWayError);
    }
    expect(readdirSync(join(root, 'elsewhere'))).toEqual([]);
    expect(readdirSync(join(copy.path, 'of-root'))).toEqual([]);
  });

  it('makes nothing outside while the user swaps a directory for a link', async () => {
    const { root, copy } = await setUp();
    const target = new CopyTarget(copy.path, AGENT);
    const [dir, out] = [join(copy.path, 'd'), join(root, 'outside')];
    mkdirSync(out);
    await target.makeDirectory('d');
    let isOver = false;
    const swapping = (async () => {
      for (; !isOver; await new Promise(setImmediate)) {
        renameSync(dir, `${dir}.real`);
        symlinkSync(out, dir);
        await new Promise(setImmediate);
        rmSync(dir);
        renameSync(`${dir}.real`, dir);
      }
    })();
    let made = 0;
    for (let at = 0; at < 300; at += 1) {
      const file = await target.create(`d/${at}`).catch(() => null);
      if (file) made += 1;
      await file?.close();
    }
    isOver = true;
    await swapping;
    expect(readdirSync(out)).toEqual([]);
    expect(made).toBeGreaterThan(0);
  });
});
