import type { Command } from 'commander';
import {
  clientConfig,
  daemonProfilesFile,
  inheritedEnvironment,
  serverConfig,
} from '../../platform/config.ts';
import type { Cli } from '../cli.ts';
import type { Check } from '../doctor/check.ts';
import { EXIT } from '../exit-codes.ts';
import { teach } from '../help.ts';
import { harmless, type Paint, painter } from '../style.ts';
import { padded } from '../table.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Looks whether this machine has what Taskmesh needs, one line each, with what to do where something is missing:\n' +
      'Node.js and git, the server and the key, the database, the data directory, the disk, and the coding agents that a\n' +
      'daemon started here would offer. It changes nothing.',
    examples: ['PATH', 'PATH --url https://mesh.example.com/graphql --key-file ~/key', 'PATH --json'],
    exits: { 0: 'nothing is missing, though there may be warnings', 1: 'something fails' },
  }).action(async () => {
    const checks = await examine(cli);
    const paint = painter(cli.terminal.stdout);
    cli.result(checks, () => checks.map((check) => line(check, paint)).join('\n'));
    if (checks.some(({ status }) => status === 'fail')) cli.exitCode = EXIT.failed;
  });
}

async function examine(cli: Cli): Promise<Check[]> {
  const { flags, terminal } = cli;
  const [machine, connection, storage, agents] = await Promise.all([
    import('../doctor/machine.ts'),
    import('../doctor/connection.ts'),
    import('../doctor/storage.ts'),
    import('../doctor/agents.ts'),
  ]);
  const { dataDir, databaseUrl } = serverConfig({ dataDir: flags.dataDir }, terminal.env);
  // What a daemon that is started here would have its agents look through.
  const path = inheritedEnvironment(terminal.env).PATH;
  const found = await Promise.all([
    machine.checkNode(),
    machine.checkGit(path),
    connection.checkConnection(clientConfig(flags, terminal.env)),
    storage.checkDatabase(databaseUrl, dataDir),
    storage.checkDataDirectory(dataDir),
    machine.checkDisk(dataDir),
    agents.checkAgents({ file: daemonProfilesFile(terminal.env), path, env: terminal.env ?? {} }),
  ]);
  return found.flat();
}

const COLOURS = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

function line({ name, status, found, next }: Check, paint: Paint): string {
  const head = `${paint(COLOURS[status], padded(status, 4))}  ${padded(name, 14)}  ${harmless(found)}`;
  return next ? `${head}  ${paint('bold', `→ ${next}`)}` : head;
}
