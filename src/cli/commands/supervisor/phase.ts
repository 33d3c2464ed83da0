import { Argument, type Command } from 'commander';
import type { ContractPhase } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { oneOf, teach } from '../../help.ts';
import { PHASE_NAMES, PHASES, setPhase } from '../../phases.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about: `Says where the contract stands: moves it to a phase, forwards or back. Phases are ${PHASE_NAMES}.`,
    examples: ['PATH execute'],
    exits: { 1: 'the contract is closed (CONTRACT_CLOSED)' },
  })
    .addArgument(new Argument('<phase>', 'the phase to move to').argParser(oneOf(PHASES)))
    .action(async (phase: ContractPhase) => {
      const api = await cli.api();
      await setPhase(cli, api.contractId, phase);
    });
}
