import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RUN_ID_VARIABLE } from './process-group.ts';

/** Linux takes 128 KiB in one variable; all of the environment shares a limit, so stay well below. */
const MAX_PLAN_BYTES = 100 * 1024;

export interface EnvironmentOptions {
  /** What the agent inherits. Nothing else of the daemon's environment reaches it. */
  readonly baseEnv: Readonly<Record<string, string>>;
  readonly binDir: string;
  readonly serverUrl: string;
  readonly toolKey: string | null;
  readonly taskId: string;
  readonly contractId: string;
  readonly runId: string;
  readonly plan: string;
  readonly planFile: string;
  /** For an attempt after the first: what it was recovered to. */
  readonly recovery: string | null;
}

/** The whole environment of an agent. */
export function agentEnvironment(options: EnvironmentOptions): Record<string, string> {
  const { baseEnv, plan } = options;
  const fits = Buffer.byteLength(plan) < MAX_PLAN_BYTES && !plan.includes('\0');
  return {
    ...baseEnv,
    PATH: [options.binDir, baseEnv.PATH || '/usr/local/bin:/usr/bin:/bin'].join(':'),
    GIT_TERMINAL_PROMPT: '0',
    TASKMESH_URL: options.serverUrl,
    ...(options.toolKey === null ? {} : { TASKMESH_TOOL_KEY: options.toolKey }),
    TASKMESH_TASK_ID: options.taskId,
    TASKMESH_CONTRACT_ID: options.contractId,
    TASKMESH_PLAN_FILE: options.planFile,
    ...(fits ? { TASKMESH_PLAN: plan } : {}),
    ...(options.recovery === null ? {} : { TASKMESH_RECOVERY: options.recovery }),
    [RUN_ID_VARIABLE]: options.runId,
  };
}

/** Writes the `taskmesh` command that agents find first on their PATH. @returns its directory */
export async function writeShim(dataDir: string, cli: { execPath: string; entry: string }): Promise<string> {
  const binDir = join(dataDir, 'bin');
  const file = join(binDir, 'taskmesh');
  await mkdir(binDir, { recursive: true, mode: 0o700 });
  await writeFile(file, `#!/bin/sh\nexec ${quote(cli.execPath)} ${quote(cli.entry)} "$@"\n`);
  await chmod(file, 0o755);
  return binDir;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
