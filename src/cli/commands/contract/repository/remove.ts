import { resolve } from 'node:path';
import type { Command } from 'commander';
import {
  type ContractDetailsFragment,
  ContractShowDocument,
  RemoveRepositoryDocument,
} from '../../../../client/generated/graphql.ts';
import { newRequestId } from '../../../api.ts';
import type { Cli } from '../../../cli.ts';
import { EXIT } from '../../../exit-codes.ts';
import { CommandFailure } from '../../../failures.ts';
import { teach } from '../../../help.ts';
import { harmless } from '../../../style.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Removes a git repository from an open contract. Tasks that work in it go on; the repository itself stays.',
    examples: ['PATH contract_01k… https://github.com/me/docs.git', 'PATH contract_01k… repo_01k…'],
    exits: {
      1: 'the contract is closed (CONTRACT_CLOSED)',
      4: 'there is no such contract, or the repository is not one of it',
    },
  })
    .argument('<contract>', 'id of the contract')
    .argument('<repository>', 'URL, local path, or id, as `contract show` has it')
    .action(async (contractId: string, given: string) => {
      const api = await cli.api();
      const { contract } = await api.call(ContractShowDocument, { id: contractId });
      const repositoryId = repositoryIn(contract, given);
      const { removeRepository } = await api.call(RemoveRepositoryDocument, {
        input: { contractId, repositoryId, requestId: newRequestId() },
      });
      cli.result(removeRepository.contract, () => `${repositoryId} removed`);
    });
}

function repositoryIn({ repositories }: ContractDetailsFragment, given: string): string {
  const found = repositories.find(
    ({ id, url, localPath }) => id === given || url === given || localPath === resolve(given),
  );
  if (found) return found.id;
  const known = repositories.map(({ url, localPath }) => url ?? localPath).join(', ') || 'none';
  throw new CommandFailure(
    'NOT_FOUND',
    EXIT.notFound,
    harmless(`The contract has no repository ${given}. It has: ${known}.`),
    'repository',
  );
}
