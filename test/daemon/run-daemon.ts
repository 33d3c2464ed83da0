import { shell } from '../../src/daemon/agents/profiles.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { silent } from './support.ts';

/** A daemon of its own process, to be killed. Arguments: server URL, key, directory. */
const [serverUrl, key, root] = process.argv.slice(2) as [string, string, string];
const daemon = await startDaemon({
  serverUrl,
  key,
  name: 'machine',
  dataDir: `${root}/daemon`,
  localPaths: [root],
  profiles: { shell },
  cliPath: { execPath: process.execPath, entry: '/nonexistent' },
  baseEnv: { PATH: '/usr/local/bin:/usr/bin:/bin' },
  logger: silent,
  version: '0.0.0',
  hostname: 'test',
});
process.once('SIGTERM', () => void daemon.stop().then(() => process.exit(0)));
daemon.stopped.catch((error: { code: string }) => {
  console.log(error.code);
  process.exit(3);
});
console.log('ready');
