import { type Command, Option } from 'commander';
import { daemonConfig } from '../../platform/config.ts';
import type { Cli } from '../cli.ts';
import { collect, teach, wholeNumber } from '../help.ts';
import { readVersion, SELF } from '../package.ts';
import { aborted, stopRequest, WITH_PARENT } from '../processes.ts';

interface Options {
  server?: string;
  key?: string;
  name?: string;
  max?: number;
  localPath?: string[];
  logLevel?: string;
  withParent?: true;
}

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Makes this machine a worker: it connects out to the server, takes tasks, and runs their agents in git working\n' +
      'copies of its own. Ctrl-C gives its tasks back and stops. It needs git and a daemon key; for pull requests a\n' +
      'token in TASKMESH_GITHUB_TOKEN, and TASKMESH_GITHUB_URL for the API of a GitHub Enterprise server.',
    examples: [
      'PATH --server https://mesh.example.com/graphql --key-file ~/daemon-key --max 8',
      'taskmesh keys create --kind daemon --name laptop > ~/daemon-key      # makes such a key',
    ],
    exits: { 0: 'stopped in order', 1: 'it could not go on' },
  })
    .option('--server <url>', 'the GraphQL endpoint; the same as --url')
    .option('--key <key>', 'the daemon key; others on this machine can read it there: --key-file is better')
    .option('--name <name>', 'what the daemon is called (default: the name of the machine)')
    .option('--max <number>', 'tasks at the same time (TASKMESH_MAX_TASKS; default 4)', wholeNumber(1, 1_000))
    .option(
      '--local-path <directory>',
      'directory whose repositories contracts may name; may be repeated',
      collect,
    )
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent', 'info')
    .addOption(new Option(WITH_PARENT).hideHelp())
    .action(async (options: Options) => {
      const { logLevel, withParent, ...flags } = options;
      // Arguments are for everybody on this machine to read.
      if (flags.key) process.title = 'taskmesh daemon';
      const server = flags.server ?? cli.flags.url;
      const { keyFile, dataDir } = cli.flags;
      const config = daemonConfig({ ...flags, server, keyFile, dataDir }, cli.terminal.env);
      const [{ startDaemon }, { READY_PROFILES }, { createLogger }] = await Promise.all([
        import('../../daemon/daemon.ts'),
        import('../../daemon/agents/profiles.ts'),
        import('../../platform/logger.ts'),
      ]);
      const stop = stopRequest(withParent);
      try {
        const daemon = await startDaemon({
          ...config,
          profiles: READY_PROFILES,
          cliPath: SELF,
          logger: createLogger(logLevel ?? 'info'),
          version: readVersion(),
        });
        cli.note(`Daemon ${daemon.name} (${daemon.id}) is connected to ${config.serverUrl}`);
        await Promise.race([daemon.stopped, aborted(stop.signal)]);
        await daemon.stop();
      } finally {
        stop.dispose();
      }
    });
}
