import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inheritedEnvironment } from '../../src/platform/config.ts';
import type { Row, Sample } from '../harness/row.ts';
import { now } from '../harness/serve-calls.ts';
import type { World } from '../harness/world.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** `npm start` until it says where it is; then it is stopped as by Ctrl-C. Milliseconds. */
async function startOnce(dataDir: string): Promise<number> {
  const from = now();
  const child = spawn(
    'npm',
    ['start', '--silent', '--', '--port', '0', '--data-dir', dataDir, '--local-path', dataDir],
    {
      cwd: ROOT,
      env: { ...inheritedEnvironment(), HOME: dataDir },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, as a terminal's: npm, the server and its daemon are stopped together.
      detached: true,
    },
  );
  const exited = once(child, 'exit');
  let output = '';
  try {
    return await new Promise<number>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          output += text;
          if (output.includes('GraphQL at ')) resolve(now() - from);
        });
      }
      child.on('exit', (code) => reject(new Error(`npm start ended (${code}):\n${output}`)));
    });
  } finally {
    if (child.pid && child.exitCode === null) process.kill(-child.pid, 'SIGINT');
    await exited;
  }
}

async function prepare(world: World): Promise<() => Promise<Sample[]>> {
  const dataDir = mkdtempSync(join(tmpdir(), 'taskmesh-bench-'));
  world.atEnd(() => rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 }));
  await startOnce(dataDir);
  return async () => [
    { ours: (await startOnce(dataDir)) / 1_000, peer: null },
    { name: 'idle-memory', ours: residentMemory(world.server.pid), peer: null },
  ];
}

/** MiB. */
function residentMemory(pid: number): number {
  const line = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1]) / 1_024;
}

export const start: Row = {
  name: 'start',
  title: '`npm start` to ready, embedded, existing data; and what an idle server on PostgreSQL takes',
  measures: {
    start: { unit: 's', better: 'lower', beside: '', target: { ours: 2.5 } },
    'idle-memory': { unit: 'MiB', better: 'lower', beside: '', target: null },
  },
  prepare,
};
