import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';
import { type SpawnOptions, spawnHelp, spawnOptions, spawnTask } from '../../spawning.ts';

export function register(command: Command, cli: Cli): void {
  teach(
    command,
    spawnHelp([
      'id=$(PATH --name "Fix login" --plan "…" --own-worktree)'.replace('PATH', 'taskmesh supervisor spawn'),
      'PATH --name Tests --agent shell --plan-file - < run-tests.sh',
    ]),
  );
  spawnOptions(command).action(async (options: SpawnOptions) => {
    const api = await cli.api();
    await spawnTask(cli, api.contractId, options);
  });
}
