import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { type DocumentOptions, documentHelp, documentOptions, setDocument } from '../../documents.ts';
import { teach } from '../../help.ts';

export function register(command: Command, cli: Cli): void {
  teach(
    command,
    documentHelp([
      'PATH plan --contract contract_01k… --file plan.md --phase plan',
      'PATH specification --contract contract_01k… --file - < specification.md',
    ]),
  );
  documentOptions(command)
    .option('--contract <contract>', 'id of the contract (default: the own, for agents)')
    .action(async (name: string, options: DocumentOptions & { contract?: string }) => {
      const api = await cli.api();
      await setDocument(cli, api.contractOr(options.contract), name, options);
    });
}
