import type { Command } from 'commander';
import { DocumentListDocument } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';
import { harmless, painter } from '../../style.ts';
import { table } from '../../table.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about: 'Lists the documents of a contract: its specification, plan and so on.',
    examples: ['PATH contract_01k…', 'PATH      # as an agent: those of its own contract'],
    exits: { 4: 'there is no such contract' },
  })
    .argument('[contract]', 'id of the contract (default: the own, for agents)')
    .action(async (given: string | undefined) => {
      const api = await cli.api();
      const { documents } = await api.call(DocumentListDocument, { contractId: api.contractOr(given) });
      const paint = painter(cli.terminal.stdout);
      cli.result(documents, () =>
        documents.length === 0
          ? 'The contract has no documents.'
          : table([
              ['NAME', 'PHASE', 'LENGTH', 'UPDATED'].map((title) => paint('bold', title)),
              ...documents.map((document) => [
                harmless(document.name),
                document.phase ?? '–',
                String(document.content.length),
                document.updatedAt.slice(0, 16).replace('T', ' '),
              ]),
            ]),
      );
    });
}
