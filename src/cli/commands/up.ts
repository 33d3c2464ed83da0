import { join } from 'node:path';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { ensureDaemonKey } from '../daemon-key.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandFailure } from '../failures.ts';
import { collect, teach, wholeNumber } from '../help.ts';
import { aborted, type Child, endSoon, startChild, stopRequest } from '../processes.ts';
import { announce, configOf, type ServeOptions, serveOptions, startServerOn } from './serve.ts';

interface Options extends ServeOptions {
  max?: number;
  localPath?: string[];
  profiles?: string;
}

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Starts all that one machine needs: the server with its embedded database, and a daemon beside it, which connects\n' +
      'over the network as any other would. Contracts may name repositories in the current directory by path. Ctrl-C\n' +
      'stops the daemon, then the server; the next start goes on where this one was.',
    examples: ['PATH', 'PATH --port 4100 --local-path ~/code --max 8'],
    exits: { 0: 'stopped in order', 1: 'the server or the daemon could not start, or ended by itself' },
  });
  serveOptions(command)
    .option('--max <number>', 'tasks at the same time', wholeNumber(1, 1_000), 4)
    .option(
      '--local-path <directory>',
      'directory whose repositories contracts may name (default: here)',
      collect,
    )
    .option('--profiles <file>', 'JSON file with more agent profiles; see taskmesh daemon --help')
    .action((options: Options) => up(cli, options));
}

async function up(cli: Cli, options: Options): Promise<void> {
  const stop = stopRequest();
  const { max, localPath, profiles, ...serve } = options;
  const config = await configOf(cli, serve);
  // For a person who watches: what goes wrong, unless they ask for more.
  const logLevel = config.logLevel === 'info' && !serve.logLevel ? 'warn' : config.logLevel;
  const server = await startServerOn({ ...config, logLevel });
  let daemon: Child | undefined;
  try {
    announce(cli, server, config.dataDir);
    const keyFile = await ensureDaemonKey(cli, server, config.dataDir);
    const paths = (localPath ?? [process.cwd()]).flatMap((path) => ['--local-path', path]);
    const dataDir = join(config.dataDir, 'daemon');
    daemon = startChild(
      [
        'daemon',
        '--server',
        server.url,
        '--key-file',
        keyFile,
        '--data-dir',
        dataDir,
        '--max',
        String(max),
        '--log-level',
        logLevel,
        ...paths,
        ...(profiles === undefined ? [] : ['--profiles', profiles]),
      ],
      { name: 'daemon', logFile: null },
    );
    cli.note('Ctrl-C stops the daemon and the server.');
    const ended = await Promise.race([daemon.ended, aborted(stop.signal)]);
    if (ended !== undefined)
      throw new CommandFailure('DAEMON_ENDED', EXIT.failed, `The daemon ${ended}; its log is above.`);
  } finally {
    await daemon?.stop();
    await server.close();
    stop.dispose();
    endSoon();
  }
}
