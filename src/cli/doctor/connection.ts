import { stat } from 'node:fs/promises';
import { TaskmeshClient } from '../../client/client.ts';
import { ApiError } from '../../client/errors.ts';
import { DaemonListDocument, ViewerDocument, type ViewerQuery } from '../../client/generated/graphql.ts';
import type { ClientConfig } from '../../platform/config.ts';
import { readVersion } from '../../platform/package.ts';
import { type Check, fail, ok, warn } from './check.ts';

const ANSWER_MS = 10_000;

/** The server, the key, and whether work can be done: the last is asked with the key. */
export async function checkConnection(config: ClientConfig): Promise<Check[]> {
  const { url, key, keySource } = config;
  // Without a key it is refused, and so is there.
  const client = new TaskmeshClient({ url, key: key ?? '' });
  try {
    const { viewer } = await client.request(ViewerDocument, {}, { timeoutMs: ANSWER_MS });
    const checks = [checkVersion(url, viewer.serverVersion), await checkKeyFile(config, viewer)];
    return viewer.kind === 'USER' ? [...checks, await checkDaemons(client)] : checks;
  } catch (error) {
    if (!(error instanceof ApiError)) {
      const next = 'start it (taskmesh up), or name another with --url';
      return [fail('server', `no answer from ${url}`, next), await checkKeyFile(config)];
    }
    if (error.code !== 'UNAUTHENTICATED') return [checkRefusal(url, error), await checkKeyFile(config)];
    if (key === null) return [ok('server', url), await checkKeyFile(config)];
    const next =
      'take the key of that server, or make one on its machine: taskmesh keys create --local --kind user --name NAME';
    return [ok('server', url), fail('key', `the server does not take the one from ${keySource}`, next)];
  }
}

function checkRefusal(url: string, { code, message }: ApiError): Check {
  // It does not know what was asked.
  if (code === 'GRAPHQL_VALIDATION_FAILED')
    return warn('server', `${url} is of another version`, 'bring server and CLI to the same version');
  return fail('server', `${url} answers and cannot work: ${message}`, 'look into its log');
}

function checkVersion(url: string, version: string): Check {
  const own = readVersion();
  if (version === own) return ok('server', `${url}, version ${version}`);
  const found = `${url} is version ${version}, and this CLI ${own}`;
  return warn('server', found, 'bring both to the same version');
}

async function checkKeyFile(
  { key, keySource }: ClientConfig,
  viewer?: ViewerQuery['viewer'],
): Promise<Check> {
  if (key === null || keySource === null) {
    const next = 'set TASKMESH_KEY, give --key-file, or run taskmesh up here once';
    return fail('key', 'there is none', next);
  }
  const whose = viewer
    ? `${viewer.kind.toLowerCase().replace('_', ' ')} key of ${viewer.owner.name}`
    : 'a key';
  const file = await stat(keySource).catch(() => null);
  if (file && file.mode & 0o077)
    return warn('key', `others can read ${keySource}`, `chmod 600 ${keySource}, then change the key`);
  return ok('key', `${whose}, from ${keySource}`);
}

async function checkDaemons(client: TaskmeshClient): Promise<Check> {
  const { daemons } = await client.request(DaemonListDocument, {}, { timeoutMs: ANSWER_MS });
  const connected = daemons.filter((daemon) => daemon.status === 'CONNECTED');
  if (connected.length === 0) {
    const next = 'taskmesh up starts one here; taskmesh daemon --help says how to add a machine';
    return warn('daemons', 'none is connected: nothing can run', next);
  }
  const agents = [...new Set(connected.flatMap((daemon) => daemon.agents))].sort();
  return ok('daemons', `${connected.map(({ name }) => name).join(', ')}; agents: ${agents.join(', ')}`);
}
