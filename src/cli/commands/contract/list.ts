import { type Command, Option } from 'commander';
import { ContractListDocument, type ContractStatus } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { oneOf, teach, wholeNumber } from '../../help.ts';
import { harmless, painter } from '../../style.ts';
import { table } from '../../table.ts';

const STATUSES = ['ACTIVE', 'COMPLETED', 'ARCHIVED'] as const satisfies readonly ContractStatus[];

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about: 'Lists contracts, newest first.',
    examples: ['PATH', 'PATH --status active --json'],
  })
    .addOption(
      new Option('--status <status>', 'only those: active, completed or archived').argParser(oneOf(STATUSES)),
    )
    .option('--first <number>', 'how many', wholeNumber(1), 50)
    .option('--after <cursor>', 'go on after this cursor (endCursor of the page before, in --json)')
    .action(async (options: { status?: ContractStatus; first: number; after?: string }) => {
      const api = await cli.api();
      const { contracts } = await api.call(ContractListDocument, options);
      const paint = painter(cli.terminal.stdout);
      cli.result(contracts, () =>
        contracts.nodes.length === 0
          ? 'No contracts yet. `taskmesh contract create --help` shows how to open one.'
          : table([
              ['ID', 'NAME', 'PHASE', 'STATUS', 'AGENT', 'CREATED'].map((title) => paint('bold', title)),
              ...contracts.nodes.map((contract) => [
                contract.id,
                harmless(contract.name),
                contract.phase,
                paint(contract.status === 'ACTIVE' ? 'cyan' : 'gray', contract.status),
                contract.agent,
                contract.createdAt.slice(0, 16).replace('T', ' '),
              ]),
            ]),
      );
      if (contracts.pageInfo.hasNextPage) cli.hint(`More: --after ${contracts.pageInfo.endCursor}`);
    });
}
