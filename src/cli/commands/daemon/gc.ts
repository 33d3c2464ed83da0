import type { Command } from 'commander';
import type { CleanUpEntry } from '../../../daemon/cleaning/clean-up.ts';
import { daemonConfig } from '../../../platform/config.ts';
import type { Cli } from '../../cli.ts';
import { teach, wholeNumber } from '../../help.ts';
import { stopRequest } from '../../processes.ts';
import { table } from '../../table.ts';

interface Options {
  server?: string;
  key?: string;
  keep?: number;
  dryRun?: boolean;
  unknown?: boolean;
}

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Frees the disk of a daemon that is not running: working copies of contracts that are over, mirrors that no\n' +
      'working copy uses, and what a crash left. Work that no checkpoint holds always stays. It asks the server which\n' +
      'contracts are over, with the key of the daemon. A daemon that runs does the same by itself, when it starts and\n' +
      'every hour, so it refuses to work beside one. It tells what it removed, what it kept, and why.',
    examples: ['PATH --key-file ~/daemon-key --dry-run', 'PATH --key-file ~/daemon-key --keep 0'],
    exits: { 2: 'wrong usage, or a daemon runs on the data directory' },
  })
    .option('--server <url>', 'the GraphQL endpoint; the same as --url')
    .option('--key <key>', 'the daemon key; others on this machine can read it there: --key-file is better')
    .option(
      '--keep <days>',
      'how long it is kept after its end (TASKMESH_KEEP_DAYS; default 7)',
      wholeNumber(0, 36_500),
    )
    .option('--dry-run', 'tell what would be removed, and remove nothing')
    .option(
      '--unknown',
      'also of contracts that the server does not know: they are deleted, or of another server',
    )
    .action((options: Options) => gc(cli, options));
}

async function gc(cli: Cli, { dryRun = false, unknown = false, ...flags }: Options): Promise<void> {
  const server = flags.server ?? cli.flags.url;
  const { keyFile, dataDir } = cli.flags;
  const config = daemonConfig({ ...flags, server, keyFile, dataDir }, cli.terminal.env);
  const { cleanByHand } = await import('../../../daemon/cleaning/by-hand.ts');
  const stop = stopRequest();
  try {
    const entries = await cleanByHand({ ...config, dryRun, unknownToo: unknown, signal: stop.signal });
    cli.result({ dryRun, entries }, () => describe(entries, dryRun));
  } finally {
    stop.dispose();
  }
}

const WHAT: Readonly<Record<CleanUpEntry['kind'], string>> = {
  WORKING_COPY: 'working copy',
  MIRROR: 'mirror',
  LEFTOVER: 'leftover',
};

function describe(entries: readonly CleanUpEntry[], dryRun: boolean): string {
  if (entries.length === 0) return 'There is nothing to remove.';
  const removed = dryRun ? 'would remove' : 'removed';
  return table(
    entries.map((entry) => [entry.removed ? removed : 'kept', WHAT[entry.kind], entry.path, entry.reason]),
  );
}
