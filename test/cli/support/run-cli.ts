import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll } from 'vitest';
import { run } from '../../../src/cli/run.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const home = mkdtempSync(join(tmpdir(), 'taskmesh-cli-test-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Runs a command line in this process, with nothing of this process's environment and no terminal. */
export async function runCli(
  argv: readonly string[],
  options: { env?: Record<string, string>; stdin?: string; columns?: number } = {},
): Promise<Outcome> {
  // With a number of columns the streams are those of a terminal.
  const { columns } = options;
  const stream = () => Object.assign(new PassThrough(), columns ? { isTTY: true, columns } : {});
  const stdin = stream();
  // A terminal has no end.
  if (columns) stdin.write(options.stdin ?? '');
  else stdin.end(options.stdin ?? '');
  const stdout = stream();
  const stderr = stream();
  // An agent has its tool key and no other.
  const key = options.env?.TASKMESH_TOOL_KEY ? {} : { TASKMESH_KEY: 'tmk_user_test' };
  const env = { ...key, TASKMESH_DATA_DIR: home, ...options.env };
  const code = await run(argv, { stdin, stdout, stderr, env });
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

function text(stream: PassThrough): string {
  return String(stream.read() ?? '');
}

/** Runs it as a person does, with a user key at this server. */
export function asPerson(api: { readonly url: string }, argv: string[], stdin?: string) {
  return runCli(argv, { env: { TASKMESH_URL: api.url }, ...(stdin === undefined ? {} : { stdin }) });
}

/** The environment of a supervisor's agent. */
export function agentEnv(url: string): Record<string, string> {
  return {
    TASKMESH_URL: url,
    TASKMESH_TOOL_KEY: 'tmk_task_test',
    TASKMESH_TASK_ID: 'task_me',
    TASKMESH_CONTRACT_ID: 'contract_mine',
  };
}
