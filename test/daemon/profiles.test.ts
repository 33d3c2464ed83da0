import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadProfiles } from '../../src/daemon/agents/profiles-file.ts';
import { runCli } from '../cli/support/run-cli.ts';
import { scratch } from './support.ts';

/** A PATH with these executables. */
function pathWith(...names: string[]): string {
  const directory = scratch();
  for (const name of names) {
    writeFileSync(join(directory, name), '#!/bin/sh\n');
    chmodSync(join(directory, name), 0o755);
  }
  return directory;
}

function load(file: unknown, path = pathWith('claude-agent-acp'), env: Record<string, string> = {}) {
  if (file === null) return loadProfiles({ file: null, path, env });
  const written = join(scratch(), 'profiles.json');
  writeFileSync(written, typeof file === 'string' ? file : JSON.stringify(file));
  return loadProfiles({ file: written, path, env });
}

describe('the agents that a daemon offers', () => {
  it('are the ready ones whose executables are there, and the shell', async () => {
    const path = pathWith('gemini', 'opencode', 'codex-acp', 'claude-agent-acp');
    expect(Object.keys(await load(null, path))).toEqual(['claude', 'codex', 'gemini', 'opencode', 'shell']);
    expect(Object.keys(await load(null, `/nonexistent:${pathWith('gemini')}`))).toEqual(['gemini', 'shell']);
    expect(Object.keys(await load(null, ''))).toEqual(['shell']);
  });

  it('are not what is no executable file', async () => {
    const path = pathWith();
    writeFileSync(join(path, 'gemini'), '');
    mkdirSync(join(path, 'opencode'));
    expect(Object.keys(await load(null, path))).toEqual(['shell']);
  });

  it('ask the person, and have of the daemon’s environment only what their own tools read', async () => {
    const env = {
      ANTHROPIC_API_KEY: 'a',
      OPENAI_API_KEY: 'o',
      TASKMESH_DAEMON_KEY: 'd',
      TASKMESH_GITHUB_TOKEN: 'g',
    };
    expect((await load(null, undefined, env)).claude).toEqual({
      kind: 'acp',
      command: 'claude-agent-acp',
      args: [],
      permissions: 'ask',
      mode: 'default',
      env: { ANTHROPIC_API_KEY: 'a' },
    });
  });

  it('that a file changes keep what it does not name', async () => {
    const path = pathWith('gemini', 'opencode');
    const ready = await load(null, path);
    const changed = await load({ opencode: { permissions: 'allow' }, gemini: { args: ['--x'] } }, path);
    expect(changed.opencode).toEqual({ ...ready.opencode, permissions: 'allow' });
    expect(changed.gemini).toEqual({ ...ready.gemini, args: ['--x'] });
  });

  it('are changed and joined by those of a file', async () => {
    const { claude, codex, mine, make } = await load(
      {
        claude: { permissions: 'allow', model: 'opus', inheritEnv: ['MINE'] },
        // Not installed here.
        codex: { permissions: 'allow' },
        mine: { kind: 'acp', command: 'mine', startTimeoutSeconds: 5, env: { A: '1' } },
        make: { kind: 'command', command: 'make', args: ['-f', '{planFile}'] },
      },
      undefined,
      { MINE: 'm', OTHER: 'x' },
    );
    expect(claude).toMatchObject({
      command: 'claude-agent-acp',
      permissions: 'allow',
      model: 'opus',
      env: { MINE: 'm' },
    });
    expect(codex).toBeUndefined();
    expect(mine).toEqual({
      kind: 'acp',
      command: 'mine',
      args: [],
      permissions: 'ask',
      startTimeoutSeconds: 5,
      env: { A: '1' },
    });
    expect(make).toEqual({ kind: 'command', command: 'make', args: ['-f', '{planFile}'], env: {} });
  });

  it.each([
    ['an unknown kind', { x: { kind: 'http', command: 'x' } }, /profile "x" .*kind/s],
    ['no command', { x: { kind: 'acp' } }, /profile "x" .*command/s],
    ['neither kind nor a ready name', { x: { permissions: 'ask' } }, /profile "x" .*kind/s],
    ['an unknown policy', { claude: { permissions: 'yes' } }, /profile "claude" .*permissions/s],
    ['an unknown field', { claude: { permission: 'ask' } }, /profile "claude" .*permission/s],
    [
      'a field of the other kind',
      { x: { kind: 'command', command: 'x', model: 'm' } },
      /profile "x" .*model/s,
    ],
    ['a name with a slash', { 'a/b': { kind: 'command', command: 'x' } }, /profile "a\/b" .*letters/s],
    [
      'a secret of the daemon',
      { x: { kind: 'acp', command: 'x', inheritEnv: ['TASKMESH_DAEMON_KEY'] } },
      /profile "x"/,
    ],
    ['a shell without its kind', { shell: { permissions: 'allow' } }, /profile "shell" .*kind/s],
    ['no object', [1], /no JSON object/],
    ['no JSON', '{', /cannot be used/],
  ])('cannot be had from a file with %s: the entry is named', async (_, file, message) => {
    await expect(load(file)).rejects.toThrow(message);
  });

  it('cannot be had from a file that is not there', async () => {
    await expect(loadProfiles({ file: '/nonexistent/p.json', path: '', env: {} })).rejects.toThrow(/ENOENT/);
  });

  it('are named on the command line by the option and by the variable, wrong ones end it at once', async () => {
    const file = join(scratch(), 'profiles.json');
    writeFileSync(file, '{ "x": {} }');
    const argv = ['daemon', '--key', 'k', '--data-dir', scratch()];
    for (const outcome of [
      await runCli([...argv, '--profiles', file]),
      await runCli(argv, { env: { TASKMESH_PROFILES: file } }),
    ]) {
      expect(outcome.code).toBe(2);
      expect(outcome.stderr).toContain(`The agent profile "x" in ${file} is not usable`);
    }
  });
});
