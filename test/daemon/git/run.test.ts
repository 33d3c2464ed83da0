import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { alone, exclusively, together } from '../../../src/daemon/git/locks.ts';
import { git, gitBytes, gitFeed } from '../../../src/daemon/git/run.ts';
import { eventually } from '../../support/api.ts';
import { scratch } from '../support.ts';
import { repository } from './support.ts';

describe('git', () => {
  it('kills the whole process group when the time is up', async () => {
    const dir = repository(join(scratch(), 'r'));
    const marker = `31.${process.pid}`;
    const started = performance.now();
    const call = git(['-c', `alias.wait=!sleep ${marker} & wait`, 'wait'], { cwd: dir, timeoutMs: 300 });
    await expect(call).rejects.toMatchObject({ code: 'GIT_TIMEOUT', timeoutMs: 300 });
    expect(performance.now() - started).toBeLessThan(5000);
    const left = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n');
    expect(left.filter((line) => line === `sleep ${marker}`)).toEqual([]);
  });

  it('that has read all it wanted is not said to have failed because its input still went on', async () => {
    const dir = repository(join(scratch(), 'r'));
    const { stdout: pack } = await gitBytes(['pack-objects', '--revs', '--stdout', '-q'], {
      cwd: dir,
      input: 'HEAD\n',
    });
    const into = join(scratch(), 'into.git');
    execFileSync('git', ['init', '-q', '--bare', into]);
    const rest = Promise.withResolvers<Uint8Array>();
    const source = (async function* () {
      yield pack;
      yield await rest.promise;
    })();
    const sink = { args: ['index-pack', '--stdin', '--strict'], options: { gitDir: into } };
    const fed = gitFeed(source, sink);
    // Git ends with the pack, whose end is in it.
    await eventually(() => readdirSync(join(into, 'objects/pack')).some((name) => name.endsWith('.idx')));
    rest.resolve(Buffer.alloc(1));
    await fed;

    const cut = gitFeed(Readable.from([pack.subarray(0, -30)]), sink);
    await expect(cut).rejects.toMatchObject({ code: 'GIT_FAILED' });
  });

  it('stops when the signal is aborted, with its reason', async () => {
    const reason = new Error('not needed any more');
    const controller = new AbortController();
    const call = git(['-c', 'alias.wait=!sleep 30', 'wait'], { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 100);
    await expect(call).rejects.toBe(reason);
    await expect(git(['version'], { signal: controller.signal })).rejects.toBe(reason);
  });

  it('fails with command, code and message, and keeps secrets of URLs out of them', async () => {
    const error = await git(['fetch', 'https://me:secret@example.invalid/x'], { cwd: '/' }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'GIT_FAILED', exitCode: 128 });
    expect(JSON.stringify(error) + String(error)).not.toContain('secret');
  });

  it('refuses output beyond the limit, or cuts it when asked', async () => {
    await expect(git(['help', '-a'], { maxBytes: 100 })).rejects.toMatchObject({ code: 'GIT_FAILED' });
    const cut = await gitBytes(['help', '-a'], { maxBytes: 100, truncate: true });
    expect(cut).toMatchObject({ truncated: true, code: 0 });
    expect(cut.stdout.length).toBe(100);
  });

  it('gives git no environment of the daemon', async () => {
    process.env.TASKMESH_TEST_SECRET = 'x';
    const env = await git(['-c', 'alias.environment=!env', 'environment']);
    expect(env.stdout).toContain('HOME=/nonexistent');
    expect(env.stdout).not.toContain('TASKMESH_TEST_SECRET');
    delete process.env.TASKMESH_TEST_SECRET;
  });

  it('hands credentials on as environment, never as arguments', async () => {
    const credentials = { env: { TOKEN: 't' }, config: ['http.extraHeader=Authorization: Basic abc=='] };
    const shown = await git(['config', 'http.extraHeader'], { credentials });
    expect(shown.stdout.trim()).toBe('Authorization: Basic abc==');
  });
});

describe('locks', () => {
  it('lets one work of a name run after the other, also after a failure', async () => {
    const order: string[] = [];
    const work = (name: string, fails = false) =>
      exclusively('x', async () => {
        order.push(`${name} begins`);
        await new Promise((resolve) => setTimeout(resolve, 5));
        order.push(`${name} ends`);
        if (fails) throw new Error(name);
      });
    await Promise.allSettled([work('a', true), work('b'), work('c')]);
    expect(order).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  it('runs alone only when nothing else of the name runs, and holds the next ones back', async () => {
    const order: string[] = [];
    const slow = (name: string) =>
      together('y', async () => {
        order.push(`${name} begins`);
        await new Promise((resolve) => setTimeout(resolve, 10));
        order.push(`${name} ends`);
      });
    const one = slow('a');
    const two = slow('b');
    await new Promise((resolve) => setTimeout(resolve, 2));
    const three = alone('y', async () => void order.push('alone'));
    const four = slow('c');
    await Promise.all([one, two, three, four]);
    expect(order).toEqual(['a begins', 'b begins', 'a ends', 'b ends', 'alone', 'c begins', 'c ends']);
  });
});
