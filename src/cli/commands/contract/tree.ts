import type { Command } from 'commander';
import { ContractTreeDocument } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';
import { harmless, money, painter } from '../../style.ts';
import { renderTree } from '../../tree.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Shows the tasks of a contract as a tree from its supervisor: name, role, status, duration, cost, id.',
    examples: ['PATH contract_01k…', 'PATH "$TASKMESH_CONTRACT_ID"      # as an agent'],
    exits: { 4: 'there is no such contract' },
  })
    .argument('<contract>', 'id of the contract')
    .action(async (contractId: string) => {
      const api = await cli.api();
      const { contractTree } = await api.call(ContractTreeDocument, { contractId });
      const { contract, nodes, counts, total } = contractTree;
      const paint = painter(cli.terminal.stdout);
      cli.result(contractTree, () => {
        const count = counts
          .filter(({ count }) => count > 0)
          .map(({ status, count }) => `${count} ${status.toLowerCase()}`)
          .join(', ');
        const { costUsd, budgetUsd } = contract;
        const cost = costUsd > 0 || budgetUsd !== null ? `, ${money(costUsd, budgetUsd ?? null)}` : '';
        const head = `${paint('bold', harmless(contract.name))}  ${contract.status.toLowerCase()}, ${contract.phase.toLowerCase()}${cost}`;
        const tail = paint('gray', `${total} task${total === 1 ? '' : 's'}${count ? `: ${count}` : ''}`);
        return [
          head,
          renderTree(
            nodes.map((node) => node.task),
            paint,
          ),
          tail,
        ]
          .filter(Boolean)
          .join('\n');
      });
    });
}
