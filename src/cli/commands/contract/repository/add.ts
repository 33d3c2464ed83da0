import type { Command } from 'commander';
import { AddRepositoryDocument } from '../../../../client/generated/graphql.ts';
import { newRequestId } from '../../../api.ts';
import type { Cli } from '../../../cli.ts';
import { teach } from '../../../help.ts';
import { repositoryOf } from '../create.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about: 'Adds a git repository to an open contract. Prints its id.',
    examples: [
      'PATH contract_01k… https://github.com/me/docs.git',
      'PATH contract_01k… . --base main --primary',
    ],
    exits: { 1: 'the contract is closed (CONTRACT_CLOSED)', 4: 'there is no such contract' },
  })
    .argument('<contract>', 'id of the contract')
    .argument('<repository>', 'URL, or local path')
    .option('--base <branch>', 'branch to start from (default: the default branch of the repository)')
    .option('--primary', 'tasks that name no repository work in this one from now on')
    .action(async (contractId: string, given: string, options: { base?: string; primary?: true }) => {
      const api = await cli.api();
      const repository = repositoryOf(given, options.base, options.primary === true);
      const { addRepository } = await api.call(AddRepositoryDocument, {
        input: { contractId, repository, requestId: newRequestId() },
      });
      cli.result(addRepository.repository, () => addRepository.repository.id);
    });
}
