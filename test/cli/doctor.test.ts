import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Check } from '../../src/cli/doctor/check.ts';
import { isAtLeast } from '../../src/cli/doctor/check.ts';
import { checkDisk, checkGit, checkNode } from '../../src/cli/doctor/machine.ts';
import { checkDatabase, checkDataDirectory } from '../../src/cli/doctor/storage.ts';
import { lockDataDirectory } from '../../src/platform/data-lock.ts';
import { readVersion } from '../../src/platform/package.ts';
import { temporaryDirectory } from '../support/processes.ts';
import { FakeApi, refuse } from './support/fake-api.ts';
import { runCli } from './support/run-cli.ts';

const viewer = (more: object = {}) => ({
  viewer: { kind: 'USER', owner: { id: 'owner_1', name: 'Ada' }, serverVersion: readVersion(), ...more },
});
const daemons = (...all: object[]) => ({ daemons: all });
const daemon = { name: 'box', status: 'CONNECTED', agents: ['shell', 'claude'] };

async function doctor(answers: ConstructorParameters<typeof FakeApi>[0], env: Record<string, string> = {}) {
  await using api = await FakeApi.start(answers);
  const argv = ['doctor', '--json', '--url', api.url];
  const { code, stdout } = await runCli(argv, { env: { PATH: process.env.PATH ?? '', ...env } });
  const checks = JSON.parse(stdout) as Check[];
  return { code, of: (name: string) => checks.find((check) => check.name === name) };
}

describe('doctor', () => {
  it('ends with 0 where all is well, and says where it stands', async () => {
    const { code, of } = await doctor({ Viewer: viewer(), DaemonList: daemons(daemon) });
    expect(code).toBe(0);
    expect(of('server')).toMatchObject({ status: 'ok', found: expect.stringContaining(readVersion()) });
    expect(of('key')).toEqual({
      name: 'key',
      status: 'ok',
      found: 'user key of Ada, from TASKMESH_KEY',
      next: null,
    });
    expect(of('daemons')?.found).toBe('box; agents: claude, shell');
    expect(of('agent shell')?.status).toBe('ok');
    for (const name of ['node', 'git', 'database', 'data directory', 'disk'])
      expect(of(name)?.status).toBeDefined();
  });

  it('says of agents that are not installed how they are, and looks at those of the file with profiles', async () => {
    const directory = temporaryDirectory();
    const [bin, file] = [join(directory, 'bin'), join(directory, 'profiles.json')];
    mkdirSync(bin);
    writeFileSync(join(bin, 'gemini'), '#!/bin/sh\n', { mode: 0o755 });
    const profiles = { own: { kind: 'command', command: 'no-such-agent' } };
    writeFileSync(file, JSON.stringify(profiles));
    const env = { PATH: `${bin}:${process.env.PATH}`, TASKMESH_PROFILES: file };
    const { of } = await doctor({ Viewer: viewer(), DaemonList: daemons(daemon) }, env);
    expect(of('agent gemini')).toMatchObject({ status: 'ok', found: 'gemini is installed' });
    expect(of('agent codex')).toMatchObject({
      status: 'warn',
      next: expect.stringContaining('npm install -g'),
    });
    expect(of('agent own')).toMatchObject({ status: 'warn', next: expect.stringContaining(file) });

    writeFileSync(file, '{"own": {"kind": "unheard of"}}');
    const broken = await doctor({ Viewer: viewer(), DaemonList: daemons(daemon) }, env);
    expect(broken.code).toBe(1);
    expect(broken.of('agent profiles')).toMatchObject({
      status: 'fail',
      found: expect.stringContaining('"own"'),
    });
  });

  it('says of a server that does not answer how to start it', async () => {
    const { code, stdout } = await runCli(['doctor', '--url', 'http://127.0.0.1:1/graphql']);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^fail {2}server +no answer from http:\/\/127\.0\.0\.1:1\/graphql {2}→ start it \(taskmesh up\)/m,
    );
  });

  it('says of a key that is refused where it came from and how to make another', async () => {
    const { code, of } = await doctor({ Viewer: refuse('UNAUTHENTICATED') });
    expect(code).toBe(1);
    expect(of('key')).toMatchObject({ status: 'fail', found: expect.stringContaining('TASKMESH_KEY') });
    expect(of('key')?.next).toContain('taskmesh keys create --local');
  });

  it('warns of a server of another version, and of one without daemons', async () => {
    const { code, of } = await doctor({ Viewer: viewer({ serverVersion: '99.0.0' }), DaemonList: daemons() });
    expect(code).toBe(0);
    expect(of('server')).toMatchObject({ status: 'warn', next: 'bring both to the same version' });
    expect(of('daemons')).toMatchObject({ status: 'warn' });
  });

  it('warns of a server that does not know what is asked', async () => {
    const { of } = await doctor({ Viewer: refuse('GRAPHQL_VALIDATION_FAILED') });
    expect(of('server')).toMatchObject({ status: 'warn', next: expect.stringContaining('same version') });
  });

  it('says of a server that cannot work why', async () => {
    const { code, of } = await doctor({ Viewer: refuse('INTERNAL_SERVER_ERROR', 'Request abc failed.') });
    expect(code).toBe(1);
    expect(of('server')).toMatchObject({
      status: 'fail',
      found: expect.stringContaining('Request abc failed.'),
    });
  });

  it('never shows the password of the database', async () => {
    const { stdout } = await runCli(['doctor'], {
      env: { DATABASE_URL: 'postgres://ada:secret@127.0.0.1:1/mesh' },
    });
    expect(stdout).toMatch(/^fail {2}database +PostgreSQL at 127\.0\.0\.1:1\/mesh: /m);
    expect(stdout).not.toContain('secret');
  });
});

describe('what is looked at', () => {
  it.each([
    ['2.39.5', '2.39', true],
    ['2.40', '2.39.1', true],
    ['2.9', '2.39', false],
    ['15.4 (Debian 15.4-1)', '15', true],
    ['14.9', '15', false],
    ['22.18.0', '22.18', true],
  ])('version %s is at least %s: %s', (version, least, expected) => {
    expect(isAtLeast(version, least)).toBe(expected);
  });

  it('a Node.js that is too old', () => {
    expect(checkNode('20.20.2')).toMatchObject({
      status: 'fail',
      next: expect.stringContaining('nodejs.org'),
    });
  });

  it('a git that is not there, or too old', async () => {
    const directory = temporaryDirectory();
    expect(await checkGit(directory)).toMatchObject({ status: 'fail', found: 'not found' });
    const file = join(directory, 'git');
    writeFileSync(file, '#!/bin/sh\necho "git version 2.20.1"\n');
    chmodSync(file, 0o755);
    expect(await checkGit(`${directory}:/bin:/usr/bin`)).toMatchObject({
      status: 'fail',
      found: '2.20.1, and 2.39 is needed',
    });
  });

  it.each([
    [100, 'ok'],
    [2, 'warn'],
    [0.1, 'fail'],
  ])('%d GiB of free disk: %s', async (gib, status) => {
    expect(await checkDisk('/data', async () => gib * 1024 ** 3)).toMatchObject({ status });
  });

  it('the disk above a directory that is not there yet', async () => {
    expect((await checkDisk(join(temporaryDirectory(), 'not/yet'))).found).toMatch(/GiB free/);
  });

  it('a data directory that others can look into, and one that is a file', async () => {
    const directory = join(temporaryDirectory(), 'data');
    expect(await checkDataDirectory(directory)).toMatchObject({ status: 'ok' });
    mkdirSync(directory, { mode: 0o700 });
    expect(await checkDataDirectory(directory)).toMatchObject({ status: 'ok' });
    chmodSync(directory, 0o755);
    expect(await checkDataDirectory(directory)).toMatchObject({
      status: 'warn',
      next: `chmod 700 ${directory}`,
    });
    const file = join(directory, 'file');
    writeFileSync(file, '');
    expect(await checkDataDirectory(file)).toMatchObject({ status: 'fail' });
  });

  it('an embedded database, and who uses it', async () => {
    const directory = temporaryDirectory();
    expect(await checkDatabase(null, directory)).toMatchObject({
      found: 'embedded, made by the first start',
    });
    const unlock = lockDataDirectory(join(directory, 'database.lock'));
    expect(await checkDatabase(null, directory)).toMatchObject({
      found: `embedded, in use by process ${process.pid}`,
    });
    unlock();
  });

  it('a key that others can read', async () => {
    const directory = temporaryDirectory();
    const file = join(directory, 'key');
    writeFileSync(file, 'tmk_user_x', { mode: 0o644 });
    const { stdout } = await runCli(['doctor', '--key-file', file, '--url', 'http://127.0.0.1:1/graphql']);
    expect(stdout).toMatch(/^warn {2}key +others can read .*→ chmod 600/m);
  });
});
