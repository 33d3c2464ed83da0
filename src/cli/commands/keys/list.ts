import type { Command } from 'commander';
import { KeysDocument, type KeysQuery } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { teach, wholeNumber } from '../../help.ts';
import { harmless, painter } from '../../style.ts';
import { table } from '../../table.ts';

type Key = KeysQuery['keys']['nodes'][number];

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Lists the keys for people and daemons, newest first, with when each was last used. The keys themselves were shown\n' +
      'when they were made, and never again.',
    examples: ['PATH', 'PATH --ended --json'],
  })
    .option('--ended', 'also those that were revoked or have expired')
    .option('--first <number>', 'how many', wholeNumber(1, 500), 50)
    .option('--after <cursor>', 'go on after this cursor (endCursor of the page before, in --json)')
    .action(async (options: { ended?: true; first: number; after?: string }) => {
      const api = await cli.api();
      const { keys } = await api.call(KeysDocument, options);
      const paint = painter(cli.terminal.stdout);
      cli.result(keys, () =>
        table([
          ['ID', 'NAME', 'KIND', 'DAEMON', 'LAST USED', 'ENDS'].map((title) => paint('bold', title)),
          ...keys.nodes.map(row),
        ]),
      );
      if (keys.pageInfo.hasNextPage) cli.hint(`More: --after ${keys.pageInfo.endCursor}`);
    });
}

function row(key: Key): string[] {
  return [
    key.id,
    harmless(key.name) + (key.isCurrent ? ' (this one)' : ''),
    key.kind,
    key.daemon ? harmless(key.daemon.name) : '–',
    minute(key.lastUsedAt) ?? 'never',
    key.revokedAt ? `revoked ${minute(key.revokedAt)}` : (minute(key.expiresAt) ?? 'never'),
  ];
}

function minute(time: string | null | undefined): string | undefined {
  return time?.slice(0, 16).replace('T', ' ');
}
