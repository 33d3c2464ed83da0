import { join } from 'node:path';
import { type Command, Option } from 'commander';
import type { ServerConfig } from '../../platform/config.ts';
import type { RunningServer } from '../../server/server.ts';
import type { Cli } from '../cli.ts';
import { teach, wholeNumber } from '../help.ts';
import { aborted, endSoon, stopRequest, WITH_PARENT } from '../processes.ts';

export interface ServeOptions {
  host?: string;
  port?: number;
  databaseUrl?: string;
  logLevel?: string;
}

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Starts the server: on PostgreSQL when a database URL is given, else on an embedded database in the data directory.\n' +
      'The first start makes a key and keeps it in the file `key` of the data directory. The log goes to stdout.',
    examples: ['PATH', 'DATABASE_URL=postgresql://taskmesh@db/taskmesh PATH --host 0.0.0.0 --port 4000'],
    exits: { 0: 'stopped in order', 1: 'it could not start' },
  });
  serveOptions(command)
    .addOption(new Option(WITH_PARENT).hideHelp())
    .action(async (options: ServeOptions & { withParent?: true }) => {
      const stop = stopRequest(options.withParent);
      try {
        const config = await configOf(cli, options);
        const server = await startServerOn(config);
        announce(cli, server, config.dataDir);
        await aborted(stop.signal);
        await server.close();
      } finally {
        stop.dispose();
        endSoon();
      }
    });
}

/** What `serve` and `up` have in common. */
export function serveOptions(command: Command): Command {
  return command
    .option('--host <address>', 'address to listen on (TASKMESH_HOST; default 127.0.0.1)')
    .option('--port <port>', 'port to listen on (TASKMESH_PORT; default 4000)', wholeNumber(0, 65_535))
    .option('--database-url <url>', 'PostgreSQL (DATABASE_URL; default: an embedded database)')
    .option(
      '--log-level <level>',
      'trace, debug, info, warn, error or silent (TASKMESH_LOG_LEVEL; default info)',
    );
}

export async function configOf(cli: Cli, options: ServeOptions) {
  const { serverConfig } = await import('../../platform/config.ts');
  return serverConfig({ ...options, dataDir: cli.flags.dataDir }, cli.terminal.env);
}

/** Loads the server and starts it. A directory that is in use is found out before the loading, which takes seconds. */
export async function startServerOn(config: ServerConfig): Promise<RunningServer> {
  if (config.databaseUrl === null) {
    const { assertUnlocked } = await import('../../platform/data-lock.ts');
    assertUnlocked(join(config.dataDir, 'database.lock'));
  }
  const { startServer } = await import('../../server/server.ts');
  return startServer(config);
}

/** Says where the server is. Its first key is shown to a person once, and never written where a log may be. */
export function announce(cli: Cli, server: { url: string; firstKey: string | null }, dataDir: string): void {
  cli.note(`GraphQL at ${server.url}`);
  if (!server.firstKey) return;
  cli.note(`A first key was made and is kept in ${dataDir}/key, where the CLI of this machine finds it.`);
  if (cli.terminal.stderr.isTTY) cli.note(`It is shown this once: ${server.firstKey}`);
}
