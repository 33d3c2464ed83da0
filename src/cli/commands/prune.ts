import type { Command } from 'commander';
import type { PrunedContract } from '../../server/prune.ts';
import type { Cli } from '../cli.ts';
import { EXIT } from '../exit-codes.ts';
import { teach, wholeNumber } from '../help.ts';
import { stopRequest } from '../processes.ts';
import { harmless } from '../style.ts';
import { table } from '../table.ts';

interface Options {
  keepDays: number;
  checkpoints?: boolean;
  dryRun?: boolean;
  databaseUrl?: string;
}

const DAY_MS = 24 * 3_600_000;

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Deletes the logs, and with them the output, of contracts that were completed longer ago than so many days.\n' +
      'Contracts, tasks, questions, conversations, documents and the audit trail stay, and so do open contracts, whole.\n' +
      'Who asks for what is gone is told so. It works on the database itself, with the configuration of the server:\n' +
      'on PostgreSQL beside servers that run, on the embedded database while none does. It works in small steps;\n' +
      'stopped in between, it goes on the next time.',
    examples: [
      'PATH --keep-days 90 --dry-run',
      'DATABASE_URL=postgresql://taskmesh@db/taskmesh PATH --keep-days 90 --checkpoints',
    ],
    exits: {
      1: 'it was stopped, or it failed; run it again',
      2: 'wrong usage, the database is older than this version, or a server has the embedded one open',
    },
  })
    .requiredOption('--keep-days <days>', 'how long what ended is kept', wholeNumber(1, 36_500))
    .option('--checkpoints', 'also the data of their checkpoints: nothing can be restored from them then')
    .option('--dry-run', 'tell what would go, and delete nothing')
    .option('--database-url <url>', 'PostgreSQL (DATABASE_URL; default: the embedded database)')
    .action((options: Options) => prune(cli, options));
}

async function prune(cli: Cli, { keepDays, checkpoints = false, dryRun = false, ...flags }: Options) {
  const [{ serverConfig }, { pruneDatabase }] = await Promise.all([
    import('../../platform/config.ts'),
    import('../../server/prune.ts'),
  ]);
  const config = serverConfig({ ...flags, dataDir: cli.flags.dataDir }, cli.terminal.env);
  const before = new Date(Date.now() - keepDays * DAY_MS);
  const stop = stopRequest();
  try {
    const contracts = await pruneDatabase(config, { before, checkpoints, dryRun, signal: stop.signal });
    const complete = !stop.signal.aborted;
    cli.result({ dryRun, complete, before, contracts }, () => describe(contracts, dryRun));
    if (complete) return;
    cli.note('taskmesh: stopped before the end: run it again for the rest');
    cli.exitCode = EXIT.failed;
  } finally {
    stop.dispose();
  }
}

function describe(contracts: readonly PrunedContract[], dryRun: boolean): string {
  if (contracts.length === 0) return 'There is nothing to prune.';
  const rows = contracts.map(({ id, name, endedAt, events, checkpoints }) => [
    dryRun ? 'would prune' : 'pruned',
    id,
    `${events} events`,
    checkpoints.parts > 0 ? `${checkpoints.bytes} bytes of checkpoints` : '',
    `ended ${endedAt.toISOString().slice(0, 10)}`,
    name,
  ]);
  return harmless(table(rows));
}
