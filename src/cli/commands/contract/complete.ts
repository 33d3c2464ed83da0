import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import {
  type CompletionOptions,
  completeContract,
  completionHelp,
  completionOptions,
} from '../../completing.ts';
import { teach } from '../../help.ts';

export function register(command: Command, cli: Cli): void {
  teach(
    command,
    completionHelp(['PATH contract_01k… --summary "Shipped in 1.4"', 'PATH contract_01k… --cancel-tasks']),
  ).argument('<contract>', 'id of the contract');
  completionOptions(command).action(async (contractId: string, options: CompletionOptions) => {
    await completeContract(cli, contractId, options);
  });
}
