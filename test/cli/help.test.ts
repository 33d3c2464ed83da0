import { describe, expect, it } from 'vitest';
import { COMMANDS, type Entry } from '../../src/cli/registry.ts';
import { runCli } from './support/run-cli.ts';

function pathsOf(entries: readonly Entry[], before: readonly string[] = []): string[][] {
  return entries.flatMap((entry) => {
    const path = [...before, entry.name];
    const below = 'commands' in entry ? pathsOf(entry.commands, path) : [];
    return 'load' in entry ? [path, ...below] : below;
  });
}

const paths = pathsOf(COMMANDS);

describe('help', () => {
  it.each(paths.map((path) => [path.join(' '), path] as const))(
    '%s says what, shows an example and the exit codes',
    async (name, path) => {
      const { code, stdout, stderr } = await runCli([...path, '--help']);
      expect(code).toBe(0);
      expect(stderr).toBe('');
      expect(stdout).toContain(`Usage: taskmesh ${name}`);
      expect(stdout).toMatch(/\nExamples:\n {2}\$ \S/);
      expect(stdout).toContain(`taskmesh ${name}`);
      expect(stdout).toMatch(/\nExit codes:\n {2}0 /);
      expect(stdout).toContain('--json');
      expect(stdout).not.toContain('PATH ');
    },
  );

  it.each(paths.map((path) => [path.join(' '), path] as const))(
    'help %s shows the same',
    async (_name, path) => {
      expect(await runCli(['help', ...path])).toEqual(await runCli([...path, '--help']));
    },
  );

  it('lists every command of a group without loading it', async () => {
    const { stdout } = await runCli(['supervisor', '--help']);
    for (const name of ['spawn', 'wait', 'ask', 'inbox', 'read', 'diff', 'merge', 'checkpoint', 'complete']) {
      expect(stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    }
  });

  it('is shown, as wrong usage, where the command is missing', async () => {
    for (const argv of [[], ['task']]) {
      const { code, stdout, stderr } = await runCli(argv);
      expect(code).toBe(2);
      expect(stdout).toBe('');
      expect(stderr).toContain('Commands:');
    }
  });
});
