import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SELF } from '../../src/cli/package.ts';
import { startChild } from '../../src/cli/processes.ts';

const LIMIT_MS = 30_000;
let root: string;

// One for all: the first server makes the database in it, which takes longer than all the rest.
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'taskmesh-processes-test-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const serve = () => ['serve', '--port', '0', '--data-dir', join(root, 'data')];

async function fileSays(path: string, text: string): Promise<string> {
  for (;;) {
    const content = await readFile(path, 'utf8').catch(() => '');
    if (content.includes(text)) return content;
    await delay(50);
  }
}

describe('a process that was started', () => {
  it('writes to its log, keeps its key to its user and out of the log, and stops in order', {
    timeout: LIMIT_MS,
  }, async () => {
    const logFile = join(root, 'server.log');
    const child = startChild(serve(), { name: 'server', logFile });
    await fileSays(logFile, 'GraphQL at');
    const key = (await readFile(join(root, 'data/key'), 'utf8')).trim();
    expect((await stat(join(root, 'data/key'))).mode & 0o777).toBe(0o600);
    await child.stop();
    expect(await child.ended).toBe('ended with code 0');
    expect(await readFile(logFile, 'utf8')).not.toContain(key);
  });

  it('stops when whoever started it is gone, however that ended', { timeout: LIMIT_MS }, async () => {
    const child = spawn(SELF.execPath, [SELF.entry, ...serve(), '--with-parent'], {
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    await once(child.stderr, 'data');
    child.stdin.destroy();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('tells how it ended when it could not start', { timeout: LIMIT_MS }, async () => {
    const logFile = join(root, 'refused.log');
    const child = startChild(['serve', '--port', '99999999'], { name: 'server', logFile });
    expect(await child.ended).toBe('ended with code 2');
    expect(await readFile(logFile, 'utf8')).toContain('--port');
  });
});
