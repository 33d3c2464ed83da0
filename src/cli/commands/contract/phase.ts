import { Argument, type Command } from 'commander';
import type { ContractPhase } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { oneOf, teach } from '../../help.ts';
import { PHASE_NAMES, PHASES, setPhase } from '../../phases.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about: `Moves an open contract to another phase, forwards or back. Phases are ${PHASE_NAMES}.`,
    examples: ['PATH contract_01k… review'],
    exits: { 1: 'the contract is closed (CONTRACT_CLOSED)', 4: 'there is no such contract' },
  })
    .argument('<contract>', 'id of the contract')
    .addArgument(new Argument('<phase>', 'the phase to move to').argParser(oneOf(PHASES)))
    .action(async (contractId: string, phase: ContractPhase) => {
      await setPhase(cli, contractId, phase);
    });
}
