import type { Command } from 'commander';
import { type ContractDetailsFragment, ContractShowDocument } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';
import { harmless, money, shortCount } from '../../style.ts';
import { fields } from '../../table.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about: 'Shows a contract: phase, status, cost and budget, red team, repositories, documents, summary.',
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
      ['cost', costOf(contract)],
      ['red team', redTeamOf(contract)],
      ['supervisor', contract.supervisor && `${contract.supervisor.id} ${contract.supervisor.status}`],
      ['repositories', repositories.join(', ')],
      ['documents', contract.documents.map((document) => document.name).join(', ')],
      ['local only', contract.localOnly ? 'yes' : null],
      ['log', logOf(contract)],
      ['created', contract.createdAt],
      ['completed', contract.completedAt],
      ['summary', contract.summary],
    ]),
  );
}

function logOf({ lastSequence, prunedSequence }: ContractDetailsFragment): string {
  return `${lastSequence} events${prunedSequence > 0 ? `, of which the first ${prunedSequence} were pruned` : ''}`;
}

/** Nothing for agents that report none, in a contract that has no budget. */
function costOf({ costUsd, budgetUsd, tokens }: ContractDetailsFragment): string | null {
  if (costUsd === 0 && tokens === 0 && budgetUsd === null) return null;
  return `${money(costUsd, budgetUsd)}, ${shortCount(tokens)} tokens`;
}

function redTeamOf({ redTeamEnabled, redTeamAgent, redTeamPrompt }: ContractDetailsFragment): string | null {
  if (!redTeamEnabled) return null;
  return ['yes', redTeamAgent, redTeamPrompt].filter(Boolean).join(', ');
}
