import type { Command } from 'commander';
import { ArchiveContractDocument } from '../../../client/generated/graphql.ts';
import { newRequestId } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about: 'Puts a completed contract away. All of it stays readable; `taskmesh contract delete` removes it.',
    examples: ['PATH contract_01k…'],
    exits: { 1: 'the contract is still active (INVALID_TRANSITION)', 4: 'there is no such contract' },
  })
    .argument('<contract>', 'id of the contract')
    .action(async (contractId: string) => {
      const api = await cli.api();
      const { archiveContract } = await api.call(ArchiveContractDocument, {
        input: { contractId, requestId: newRequestId() },
      });
      const { contract } = archiveContract;
      cli.result(contract, () => `${contract.id} ${contract.status}`);
    });
}
