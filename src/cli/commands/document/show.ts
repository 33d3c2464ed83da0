import type { Command } from 'commander';
import { DocumentListDocument } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { EXIT } from '../../exit-codes.ts';
import { CommandFailure } from '../../failures.ts';
import { teach } from '../../help.ts';
import { harmless } from '../../style.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about: 'Prints a document of a contract as it is.',
    examples: [
      'PATH specification --contract contract_01k…',
      'PATH plan      # as an agent: of its own contract',
    ],
    exits: { 4: 'there is no such contract or document' },
  })
    .argument('<name>', 'name of the document')
    .option('--contract <contract>', 'id of the contract (default: the own, for agents)')
    .action(async (name: string, options: { contract?: string }) => {
      const api = await cli.api();
      const { documents } = await api.call(DocumentListDocument, {
        contractId: api.contractOr(options.contract),
      });
      const document = documents.find((candidate) => candidate.name === name);
      if (!document) {
        const names = documents.map((candidate) => candidate.name).join(', ') || 'none';
        throw new CommandFailure(
          'NOT_FOUND',
          EXIT.notFound,
          harmless(`There is no document ${name}. There is: ${names}.`),
          'name',
        );
      }
      const isTerminal = cli.terminal.stdout.isTTY === true;
      cli.result(document, () => (isTerminal ? harmless(document.content) : document.content));
    });
}
