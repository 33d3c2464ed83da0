import type { Command } from 'commander';
import { DeleteContractDocument } from '../../../client/generated/graphql.ts';
import { newRequestId } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { usageFailure } from '../../failures.ts';
import { teach } from '../../help.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Deletes an archived contract for good, with its tasks, documents, log and checkpoints. What was merged stays in\n' +
      'the repositories, and the history still names it.',
    examples: ['PATH contract_01k… --yes'],
    exits: {
      1: 'the contract is not archived (INVALID_TRANSITION)',
      2: 'wrong usage, or --yes is missing: nothing was deleted',
      4: 'there is no such contract',
    },
  })
    .argument('<contract>', 'id of the contract')
    .option('--yes', 'yes, delete it: there is no way back')
    .action(async (contractId: string, options: { yes?: true }) => {
      if (!options.yes) {
        throw usageFailure(
          `This deletes ${contractId} with its log and its checkpoints, and there is no way back. Say --yes if you mean it.`,
          'yes',
        );
      }
      const api = await cli.api();
      const { deleteContract } = await api.call(DeleteContractDocument, {
        input: { contractId, requestId: newRequestId() },
      });
      cli.result(deleteContract, () => `${deleteContract.contractId} deleted`);
    });
}
