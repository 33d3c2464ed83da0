import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, test } from 'vitest';
import { lockDataDirectory } from '../../src/platform/data-lock.ts';

const directory = mkdtempSync(join(tmpdir(), 'taskmesh-lock-'));
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});
const module = new URL('../../src/platform/data-lock.ts', import.meta.url).href;

/** A process that takes the lock at a word, and keeps it. It says `held` or why not. */
async function contender(lockFile: string) {
  const program = `
    import { lockDataDirectory } from ${JSON.stringify(module)};
    process.stdin.once('data', () => {
      try { lockDataDirectory(${JSON.stringify(lockFile)}); console.log('held'); } catch (error) { console.log(error.message); }
    });
    process.stdin.resume();
    console.log('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => (await lines.next()).value as string;
  expect(await line()).toBe('ready');
  return { child, line, go: () => void child.stdin.write('go\n') };
}

test('a second one is refused at once, naming the process that holds it, and may have it once it is released', async () => {
  const lockFile = join(directory, 'second', 'lock');
  const release = lockDataDirectory(lockFile);
  expect(statSync(lockFile).mode & 0o777).toBe(0o600);
  const triedAt = performance.now();
  expect(() => lockDataDirectory(lockFile)).toThrow(`in use by process ${process.pid}`);
  const other = await contender(lockFile);
  other.go();
  expect(await other.line()).toContain(`in use by process ${process.pid}`);
  expect(performance.now() - triedAt).toBeLessThan(2_000);
  release();
  expect(existsSync(lockFile)).toBe(false);
  lockDataDirectory(lockFile)();
});

test('the lock of a process that was killed is taken over', async () => {
  const lockFile = join(directory, 'killed');
  const holder = await contender(lockFile);
  holder.go();
  expect(await holder.line()).toBe('held');
  expect(() => lockDataDirectory(lockFile)).toThrow(`in use by process ${holder.child.pid}`);
  holder.child.kill('SIGKILL');
  await once(holder.child, 'exit');
  lockDataDirectory(lockFile)();
});

test('a lock whose process id is used by another process since is taken over', () => {
  const lockFile = join(directory, 'reused');
  writeFileSync(lockFile, `${process.pid} 1`);
  lockDataDirectory(lockFile)();
});

test('a lock file without a process in it is taken over', () => {
  for (const text of ['', 'nonsense', '-1 5', '0']) {
    const lockFile = join(directory, 'empty');
    writeFileSync(lockFile, text);
    lockDataDirectory(lockFile)();
  }
});

test('of many that take over a stale lock at once one gets it', async () => {
  const dead = spawn(process.execPath, ['-e', '']);
  await once(dead, 'exit');
  const lockFile = join(directory, 'race');
  for (let round = 0; round < 3; round += 1) {
    const racers = await Promise.all(Array.from({ length: 6 }, () => contender(lockFile)));
    writeFileSync(lockFile, `${dead.pid} 1`);
    for (const racer of racers) racer.go();
    const said = await Promise.all(racers.map((racer) => racer.line()));
    expect(
      said.filter((line) => line === 'held'),
      said.join('\n'),
    ).toHaveLength(1);
    expect(readFileSync(lockFile, 'utf8')).toContain(String(racers[said.indexOf('held')]?.child.pid));
    await Promise.all(
      racers.map(async ({ child }) => void (child.kill('SIGKILL') && (await once(child, 'exit')))),
    );
    rmSync(lockFile, { force: true });
  }
});
