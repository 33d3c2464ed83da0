import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';
import { type SpawnOptions, spawnHelp, spawnOptions, spawnTask } from '../../spawning.ts';

export function register(command: Command, cli: Cli): void {
  teach(
    command,
    spawnHelp([
      'PATH contract_01k… --name "Fix login" --plan "…" --own-worktree',
      'PATH contract_01k… --name Tests --agent shell --plan-file run-tests.sh',
    ]),
  ).argument('<contract>', 'id of the contract');
  spawnOptions(command).action((contractId: string, options: SpawnOptions) =>
    spawnTask(cli, contractId, options),
  );
}
