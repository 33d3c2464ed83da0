import type { Command } from 'commander';
import { RemoveDaemonDocument } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { confirmed } from '../../confirming.ts';
import { EXIT } from '../../exit-codes.ts';
import { teach } from '../../help.ts';
import { harmless } from '../../style.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Takes a worker machine out of service for good: its key is revoked, and what it still had is given to others.\n' +
      'Drain it first where there is time. It asks; --yes does not.',
    examples: ['PATH daemon_01k…', 'PATH daemon_01k… --yes'],
    exits: {
      1: 'you said no',
      2: 'wrong usage, or nobody could be asked and --yes is missing',
      4: 'there is no such daemon',
    },
  })
    .argument('<daemon>', 'id of the daemon; taskmesh daemons list shows it')
    .option('--yes', 'do not ask')
    .action(async (daemonId: string, options: { yes?: true }) => {
      if (
        !options.yes &&
        !(await confirmed(cli, `Revoke the key of ${daemonId} and take it out of service?`))
      ) {
        cli.note('Nothing was done.');
        cli.exitCode = EXIT.failed;
        return;
      }
      const api = await cli.api();
      const { removeDaemon } = await api.call(RemoveDaemonDocument, { input: { daemonId } });
      const { daemon } = removeDaemon;
      cli.result(daemon, () => `${daemon.id} ${harmless(daemon.name)} removed`);
    });
}
