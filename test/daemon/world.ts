import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { createTestDatabase } from '../support/database.ts';
import { repository } from './git/support.ts';
import { scratch } from './support.ts';

/** Starts one of the programs beside this file. @returns it, and its first line */
async function program(
  name: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<{ child: ChildProcess; line: string }> {
  const file = fileURLToPath(new URL(name, import.meta.url));
  const child = spawn(process.execPath, [file, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { child, line };
}

export interface Server {
  readonly url: string;
  readonly key: string;
}

/** A server of its own process, on a database of its own. @returns it, and how to end it */
export async function startServer(): Promise<Server & { end: () => Promise<void> }> {
  const { dataDir, databaseUrl, drop } = await createTestDatabase();
  const { child, line } = await program('run-server.ts', databaseUrl ? [dataDir, databaseUrl] : [dataDir]);
  const end = async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
    await drop();
  };
  return { ...(JSON.parse(line) as Server), end };
}

/** A machine and a contract of its own: daemons of other tests may not touch this one's repository. */
export async function world({ url, key }: Server) {
  const root = scratch();
  repository(join(root, 'repo'));
  const call = async (query: string, variables: Record<string, unknown> = {}) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query, variables }),
    });
    const answer = await response.json();
    expect(answer.errors).toBeUndefined();
    return answer.data;
  };
  const made = await call('mutation { createKey(input: { kind: DAEMON, name: "machine" }) { key } }');
  const daemon = async (directory = root, env = {}) => {
    const started = await program('run-daemon.ts', [url, made.createKey.key, directory], env);
    onTestFinished(() => void started.child.kill('SIGKILL'));
    return started.child;
  };
  const contract = await call(
    `mutation ($path: String!) { createContract(input: {
       name: "c", agent: "shell", startSupervisor: false, repositories: [{ localPath: $path }] }) { contract { id } } }`,
    { path: join(root, 'repo') },
  );
  const contractId = contract.createContract.contract.id;
  const spawnTask = async (plan: string, options: Record<string, unknown> = {}): Promise<string> => {
    const spawned = await call(
      'mutation ($input: SpawnTaskInput!) { spawnTask(input: $input) { task { id } } }',
      { input: { contractId, name: 't', plan, agent: 'shell', useOwnWorktree: true, ...options } },
    );
    return spawned.spawnTask.task.id;
  };
  const task = async (id: string) =>
    (
      await call(
        'query ($id: ID!) { task(id: $id) { status attempt retryCount outputSummary errorMessage checkpoints { message filesChanged } } }',
        { id },
      )
    ).task;
  const wait = (id: string) =>
    call('query ($id: ID!) { waitForTask(taskId: $id, timeoutSeconds: 30) { status } }', { id });
  const status = async (id: string, wanted: string) => {
    for (const until = Date.now() + 20_000; ; await delay(50)) {
      const now = await task(id);
      if (now.status === wanted) return now;
      if (Date.now() > until) throw new Error(`${wanted} was expected, it is ${JSON.stringify(now)}`);
    }
  };
  return {
    root,
    call,
    daemon,
    daemonKey: made.createKey.key as string,
    spawnTask,
    task,
    wait,
    status,
    repo: join(root, 'repo'),
  };
}

/** Until a file has been written by a plan. */
export async function appears(file: string): Promise<void> {
  for (const until = Date.now() + 20_000; !existsSync(file); await delay(20))
    if (Date.now() > until) throw new Error(file);
}
