import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { mergeInto } from '../../../src/daemon/git/merge.ts';
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
