import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TaskmeshClient } from '../client/client.ts';
import { ApiError } from '../client/errors.ts';
import { CreateKeyDocument, ViewerDocument } from '../client/generated/graphql.ts';
import type { Cli } from './cli.ts';
import { EXIT } from './exit-codes.ts';
import { CommandFailure } from './failures.ts';

/**
 * The file with the key of the daemon beside the server. Kept over restarts, so that the server knows the daemon
 * again and its tasks find their working copies; made anew when the server does not take it.
 */
export async function ensureDaemonKey(
  cli: Cli,
  server: { url: string; firstKey: string | null },
  dataDir: string,
): Promise<string> {
  const path = join(dataDir, 'daemon-key');
  const kept = await readKey(path);
  if (kept && (await isTaken(server.url, kept))) return path;
  const userKey = server.firstKey ?? (await readKey(join(dataDir, 'key')));
  if (!userKey) {
    throw new CommandFailure(
      'UNAUTHENTICATED',
      EXIT.denied,
      `The daemon needs a key, and there is no ${dataDir}/key to make one with. Stop the server and make one: ` +
        `taskmesh keys create --local --kind daemon --name local --data-dir ${dataDir} > ${path}`,
    );
  }
  await writeDaemonKey(server.url, userKey, path, 'local');
  if (kept) cli.note(`The key in ${path} was not taken any more; a new one is there.`);
  return path;
}

/** Makes a daemon key by the API and writes it, for this user alone. */
export async function writeDaemonKey(
  url: string,
  userKey: string,
  path: string,
  name: string,
): Promise<void> {
  const client = new TaskmeshClient({ url, key: userKey });
  const input = { kind: 'DAEMON' as const, name };
  const { createKey } = await client.request(CreateKeyDocument, { input });
  // A file that is there keeps its mode when it is written to: a new one takes its place.
  await writeFile(`${path}.${process.pid}`, `${createKey.key}\n`, { mode: 0o600, flag: 'wx' });
  await rename(`${path}.${process.pid}`, path);
}

async function isTaken(url: string, key: string): Promise<boolean> {
  try {
    const { viewer } = await new TaskmeshClient({ url, key }).request(ViewerDocument, {});
    return viewer.kind === 'DAEMON';
  } catch (error) {
    // FORBIDDEN and the like still mean that the key is known.
    if (error instanceof ApiError) return error.code !== 'UNAUTHENTICATED';
    throw error;
  }
}

async function readKey(path: string): Promise<string | null> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trim() || null;
}
