import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { supervisorPlan } from '../../src/cli/demo/plan.ts';
import { findRepository, historyGraph, makeSampleRepository } from '../../src/cli/demo/repository.ts';
import { freePort } from '../../src/cli/demo/stage.ts';
import { runCli } from './support/run-cli.ts';

const run = promisify(execFile);

/** Writes down how it was called, keeps the plans that it is given, and answers like the CLI. */
const FAKE_CLI = `#!/bin/sh
echo "$*" >> "$LOG/calls"
case "$1 $2" in
  'supervisor spawn')
    case $* in *history*) name=history ;; *files*) name=files ;; *) name=notes ;; esac
    for last; do :; done
    cp "$last" "$LOG/$name.sh"
    echo "task_$name" ;;
  'supervisor ask') printf '%s\\n' "$ANSWER" ;;
esac
`;

let root: string;
let env: Record<string, string>;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'taskmesh-demo-test-'));
  env = { PATH: `${root}:${process.env.PATH}`, HOME: root, LOG: root, ANSWER: 'merge both' };
  await writeFile(join(root, 'taskmesh'), FAKE_CLI);
  // The pauses are there for who watches.
  await writeFile(join(root, 'sleep'), '#!/bin/sh\n');
  for (const name of ['taskmesh', 'sleep']) await chmod(join(root, name), 0o755);
});
afterEach(() => {
  vi.unstubAllEnvs();
  return rm(root, { recursive: true, force: true });
});

async function supervise(answer: string): Promise<string[]> {
  await run('sh', ['-c', await supervisorPlan()], { env: { ...env, ANSWER: answer } });
  return (await readFile(join(root, 'calls'), 'utf8')).trim().split('\n');
}

describe("the supervisor's plan", () => {
  it('spawns two tasks on branches of their own and one in its own copy, waits, looks, asks, merges, completes', async () => {
    const calls = await supervise('merge both');
    // biome-ignore format: one glance
    expect(calls.map((call) => call.split(' ')[1])).toEqual([
      'spawn', 'spawn', 'spawn', 'wait', 'diff', 'ask', 'merge', 'merge', 'complete',
    ]);
    expect(calls.filter((call) => call.includes('--own-worktree'))).toHaveLength(2);
    expect(calls[3]).toMatch(/^supervisor wait task_history task_files task_notes /);
  });

  it.each([
    ['only history', ['supervisor merge task_history']],
    ['merge nothing', []],
    ['I would rather look first', []],
  ])('merges what it was told to: %s', async (answer, merges) => {
    expect((await supervise(answer)).filter((call) => call.startsWith('supervisor merge'))).toEqual(merges);
  });

  it('hands each task a plan that works in any repository', async () => {
    await supervise('merge both');
    const repository = join(root, 'repository');
    await makeSampleRepository(repository, env);
    for (const name of ['history', 'files', 'notes']) {
      await run('sh', [join(root, `${name}.sh`)], { cwd: repository, env });
    }
    expect(await readFile(join(repository, 'taskmesh-demo/history.md'), 'utf8')).toContain(
      '2026-03-06 Test -d',
    );
    expect(await readFile(join(repository, 'taskmesh-demo/files.md'), 'utf8')).toContain(
      '| word-count | 9 |',
    );
    const { stdout } = await run(
      'git',
      ['-C', repository, 'status', '--porcelain', '--untracked-files=all'],
      { env },
    );
    expect(stdout).toBe('?? taskmesh-demo/files.md\n?? taskmesh-demo/notes.md\n');
  });
});

describe('the sample repository', () => {
  it('has some history, the same commits everywhere, and its tests pass', async () => {
    await makeSampleRepository(join(root, 'one'), env);
    await makeSampleRepository(join(root, 'two'), env);
    const graph = await historyGraph(join(root, 'one'), env, 20);
    expect(graph.split('\n').length).toBeGreaterThanOrEqual(6);
    expect(await historyGraph(join(root, 'two'), env, 20)).toBe(graph);
    const { stdout } = await run('test/run', { cwd: join(root, 'one'), env });
    expect(stdout).toBe('ok    counts words\nok    counts each word once\n');
  });

  it("is one's own with --repo, which must be a git repository with a commit", async () => {
    await makeSampleRepository(join(root, 'mine'), env);
    expect(await findRepository(join(root, 'mine/test'), env)).toMatch(/\/mine$/);
    await expect(findRepository(root, env)).rejects.toThrow('is not a git repository');
    await run('git', ['init', '--quiet', join(root, 'empty')], { env });
    await expect(findRepository(join(root, 'empty'), env)).rejects.toThrow('is not a git repository');
  });
});

describe('the port', () => {
  it('is the next free one when the wanted one is taken', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    expect(await freePort(port)).toBeGreaterThan(port);
    await new Promise((resolve) => server.close(resolve));
    expect(await freePort(port)).toBe(port);
  });
});

it('ends with 2, having started nothing, when --repo is not a repository', async () => {
  vi.stubEnv('TMPDIR', root);
  const { code, stderr } = await runCli(['demo', '--repo', root]);
  expect(code).toBe(2);
  expect((await readdir(root)).sort()).toEqual(['sleep', 'taskmesh']);
  expect(stderr).toContain('is not a git repository');
});
