import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { usageFailure } from '../failures.ts';
import { SAMPLE_COMMITS } from './sample.ts';

type Environment = Readonly<Record<string, string>>;

const run = promisify(execFile);

/** Makes a small git repository with some history, the same on every machine whatever git is configured there. */
export async function makeSampleRepository(directory: string, inherited: Environment): Promise<void> {
  await mkdir(directory, { recursive: true });
  const git = (args: string[], date?: string) =>
    run('git', ['-C', directory, ...args], { env: isolated(inherited, date) });
  await git(['init', '--quiet', '--initial-branch=main']);
  for (const [index, commit] of SAMPLE_COMMITS.entries()) {
    for (const [path, file] of Object.entries(commit.files)) {
      const target = join(directory, path);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, file.content);
      if (file.executable) await chmod(target, 0o755);
    }
    const date = `2026-03-0${index + 1}T10:00:00Z`;
    await git(['add', '--all'], date);
    await git(['commit', '--quiet', '-m', commit.message], date);
  }
}

/** @returns the top directory of a person's own repository, which is only ever read here */
export async function findRepository(path: string, inherited: Environment): Promise<string> {
  const git = (...args: string[]) => run('git', ['-C', resolve(path), ...args], { env: { ...inherited } });
  try {
    const { stdout } = await git('rev-parse', '--show-toplevel');
    await git('rev-parse', '--verify', '--quiet', 'HEAD^{commit}');
    return stdout.replace(/\n$/, '');
  } catch {
    throw usageFailure(`${resolve(path)} is not a git repository with a commit and a working tree.`, 'repo');
  }
}

/** All branches as a graph, the newest lines first. */
export async function historyGraph(
  directory: string,
  inherited: Environment,
  lines: number,
): Promise<string> {
  const args = [
    '-C',
    directory,
    'log',
    '--graph',
    '--oneline',
    '--decorate',
    '--all',
    '--no-color',
    `--max-count=${lines}`,
  ];
  const { stdout } = await run('git', args, { env: { ...inherited } });
  return stdout.trimEnd();
}

function isolated(inherited: Environment, date = '2026-03-01T10:00:00Z'): Record<string, string> {
  const identity = { NAME: 'Ada Example', EMAIL: 'ada@example.invalid', DATE: date };
  const who = Object.entries(identity).flatMap(([part, value]) => [
    [`GIT_AUTHOR_${part}`, value],
    [`GIT_COMMITTER_${part}`, value],
  ]);
  return {
    ...inherited,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    ...Object.fromEntries(who),
  };
}
