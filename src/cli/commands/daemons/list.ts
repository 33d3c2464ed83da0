import type { Command } from 'commander';
import { DaemonListDocument, type DaemonListQuery } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';
import { duration, harmless, type Paint, painter } from '../../style.ts';
import { table } from '../../table.ts';

type Daemon = DaemonListQuery['daemons'][number];

const COLOURS = { CONNECTED: 'green', DRAINING: 'yellow', DISCONNECTED: 'gray' } as const;

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Lists your worker machines: whether each is connected, how many tasks it runs of how many it may, which agents it\n' +
      'offers, when it was last heard of. Those that were removed are left out, unless asked for.',
    examples: ['PATH', 'PATH --json | jq -r \'.[] | select(.status == "CONNECTED") | .name\''],
  })
    .option('--all', 'also those that were removed')
    .action(async (options: { all?: true }) => {
      const api = await cli.api();
      const { daemons } = await api.call(DaemonListDocument, {});
      const shown = daemons.filter((daemon) => options.all || !daemon.removedAt);
      const paint = painter(cli.terminal.stdout);
      cli.result(shown, () =>
        shown.length === 0
          ? 'No worker machines yet. `taskmesh daemon --help` shows how to make one.'
          : table([
              ['ID', 'NAME', 'STATUS', 'TASKS', 'AGENTS', 'HEARD', 'VERSION'].map((title) =>
                paint('bold', title),
              ),
              ...shown.map((daemon) => row(daemon, paint)),
            ]),
      );
    });
}

function row(daemon: Daemon, paint: Paint): string[] {
  return [
    daemon.id,
    harmless(daemon.name),
    daemon.removedAt ? paint('gray', 'REMOVED') : paint(COLOURS[daemon.status], daemon.status),
    `${daemon.runningTasks}/${daemon.maxConcurrentTasks}`,
    harmless(daemon.agents.join(', ')),
    daemon.lastHeartbeatAt ? `${duration(secondsSince(daemon.lastHeartbeatAt))} ago` : '–',
    harmless(daemon.version),
  ];
}

/** By two clocks, which may differ a little. */
function secondsSince(moment: string): number {
  return Math.max(0, Math.round((Date.now() - Date.parse(moment)) / 1_000));
}
