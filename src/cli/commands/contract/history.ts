import type { Command } from 'commander';
import { HistoryDocument, type HistoryQuery } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { teach, wholeNumber } from '../../help.ts';
import { harmless, painter } from '../../style.ts';
import { table } from '../../table.ts';

type Entry = HistoryQuery['history']['nodes'][number];

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Shows who did what and from where, newest first: of one contract, also of one that was deleted, or all that was\n' +
      'done with your keys.',
    examples: ['PATH contract_01k…', "PATH --first 500 --json | jq -r '.nodes[].action'"],
  })
    .argument('[contract]', 'id of the contract (default: everything)')
    .option('--first <number>', 'how many', wholeNumber(1, 500), 50)
    .option('--after <cursor>', 'go on after this cursor (endCursor of the page before, in --json)')
    .action(async (contractId: string | undefined, options: { first: number; after?: string }) => {
      const api = await cli.api();
      const { history } = await api.call(HistoryDocument, { contractId, ...options });
      const paint = painter(cli.terminal.stdout);
      cli.result(history, () =>
        history.nodes.length === 0
          ? 'Nothing was done here.'
          : table([
              ['TIME', 'ACTION', 'BY', 'FROM', 'ABOUT'].map((title) => paint('bold', title)),
              ...history.nodes.map(row),
            ]),
      );
      if (history.pageInfo.hasNextPage) cli.hint(`More: --after ${history.pageInfo.endCursor}`);
    });
}

function row(entry: Entry): string[] {
  return [
    entry.createdAt.slice(0, 19).replace('T', ' '),
    harmless(entry.action),
    `${harmless(entry.actor)} (${entry.actorKind.toLowerCase()})`,
    entry.address ?? '–',
    harmless(entry.task?.name ?? entry.contract?.name ?? '–'),
  ];
}
