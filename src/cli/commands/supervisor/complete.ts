import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import {
  type CompletionOptions,
  completeContract,
  completionHelp,
  completionOptions,
} from '../../completing.ts';
import { teach } from '../../help.ts';

export function register(command: Command, cli: Cli): void {
  const lesson = completionHelp(['PATH --summary "Both branches are merged and tested"']);
  teach(command, {
    ...lesson,
    about: `${lesson.about}\nFor a supervisor it is the last call: its own task ends with the contract.`,
  });
  completionOptions(command).action(async (options: CompletionOptions) => {
    const api = await cli.api();
    await completeContract(cli, api.contractId, options);
  });
}
