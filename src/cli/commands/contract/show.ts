import type { Command } from 'commander';
import { type ContractDetailsFragment, ContractShowDocument } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';
import { harmless } from '../../style.ts';
import { fields } from '../../table.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about: 'Shows a contract: phase, status, repositories, documents, summary.',
    examples: ['PATH contract_01k…', 'PATH contract_01k… --json'],
    exits: { 4: 'there is no such contract' },
  })
    .argument('<contract>', 'id of the contract')
    .action(async (id: string) => {
      const api = await cli.api();
      const { contract } = await api.call(ContractShowDocument, { id });
      cli.result(contract, () => text(contract));
    });
}

function text(contract: ContractDetailsFragment): string {
  const repositories = contract.repositories.map((repository) => {
    const where = repository.url ?? repository.localPath ?? '';
    return `${where}${repository.baseBranch ? ` (${repository.baseBranch})` : ''}`;
  });
  return harmless(
    fields([
      ['id', contract.id],
      ['name', contract.name],
      ['description', contract.description],
      ['status', contract.status],
      ['phase', contract.phase],
      ['agent', contract.agent],
      ['supervisor', contract.supervisor && `${contract.supervisor.id} ${contract.supervisor.status}`],
      ['repositories', repositories.join(', ')],
      ['documents', contract.documents.map((document) => document.name).join(', ')],
      ['local only', contract.localOnly ? 'yes' : null],
      ['log', `${contract.lastSequence} events`],
      ['created', contract.createdAt],
      ['completed', contract.completedAt],
      ['summary', contract.summary],
    ]),
  );
}
