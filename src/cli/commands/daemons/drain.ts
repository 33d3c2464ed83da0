import type { Command } from 'commander';
import { DrainDaemonDocument } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';
import { harmless } from '../../style.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Has a worker machine finish what it runs and take nothing new, also after it was started again; before it is to\n' +
      'be turned off, say. With --undo it takes work again.',
    examples: ['PATH daemon_01k…', 'PATH daemon_01k… --undo'],
    exits: { 4: 'there is no such daemon' },
  })
    .argument('<daemon>', 'id of the daemon; taskmesh daemons list shows it')
    .option('--undo', 'let it take work again')
    .action(async (daemonId: string, options: { undo?: true }) => {
      const api = await cli.api();
      const { drainDaemon } = await api.call(DrainDaemonDocument, {
        input: { daemonId, draining: options.undo !== true },
      });
      const { daemon } = drainDaemon;
      cli.result(daemon, () => `${daemon.id} ${harmless(daemon.name)} ${daemon.status}`);
    });
}
