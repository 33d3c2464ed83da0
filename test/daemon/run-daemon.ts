import { appendFileSync, readFileSync } from 'node:fs';
import { shell } from '../../src/daemon/agents/profiles.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';

/**
 * A daemon of its own process, to be killed. Arguments: server URL, key, directory; a file with its profiles, and the
 * directory whose repositories it may use. QUICK in the environment lets times pass faster that nobody can wait for: `420000=500`
 * in milliseconds, several with commas between.
 */
for (const [time, quick] of (process.env.QUICK ?? '').split(',').map((pair) => pair.split('=').map(Number)))
  for (const name of ['setTimeout', 'setInterval'] as const) {
    const real = globalThis[name] as (run: () => void, after?: number, ...more: unknown[]) => unknown;
    const faster: typeof real = (run, after, ...more) => real(run, after === time ? quick : after, ...more);
    Object.assign(globalThis, { [name]: faster });
  }
const [serverUrl, key, root, profiles, localPath] = process.argv.slice(2) as [
  string,
  string,
  string,
  string | undefined,
  string | undefined,
];
/** Beside its data, for whoever looks for why a test failed. */
const note =
  (level: string) =>
  (...words: unknown[]) =>
    appendFileSync(`${root}/log`, `${new Date().toISOString()} ${level} ${words.map(text).join(' ')}\n`);
const text = (word: unknown) =>
  JSON.stringify(word, (_, value) => (value instanceof Error ? `${value.name}: ${value.message}` : value));
const daemon = await startDaemon({
  serverUrl,
  key,
  name: 'machine',
  dataDir: `${root}/daemon`,
  localPaths: [localPath ?? root],
  maxConcurrentTasks: 8,
  profiles: profiles ? JSON.parse(readFileSync(profiles, 'utf8')) : { shell },
  cliPath: { execPath: process.execPath, entry: '/nonexistent' },
  baseEnv: { PATH: '/usr/local/bin:/usr/bin:/bin' },
  logger: { debug: () => undefined, info: note('info'), warn: note('warn'), error: note('error') },
  version: '0.0.0',
  hostname: 'test',
});
process.once('SIGTERM', () => void daemon.stop().then(() => process.exit(0)));
daemon.stopped.catch((error: { code: string }) => {
  console.log(error.code);
  process.exit(3);
});
console.log('ready');
