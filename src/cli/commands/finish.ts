import type { Command } from 'commander';
import { FinishTaskDocument } from '../../client/generated/graphql.ts';
import type { Cli } from '../cli.ts';
import { teach } from '../help.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'For agents: says that the own task has ended, with what came of it. The key of the task ends with it.',
    examples: ['PATH --summary "Login works again; test added"', 'PATH --failed --summary "The API is gone"'],
  })
    .requiredOption('--summary <text>', 'what was done, for the supervisor and people')
    .option('--failed', 'the task could not be done')
    .action(async (options: { summary: string; failed?: true }) => {
      const api = await cli.api();
      const input = { summary: options.summary, success: options.failed !== true };
      const { finishTask } = await api.call(FinishTaskDocument, { input }, { once: true });
      cli.result(finishTask.task, () => `${finishTask.task.id} ${finishTask.task.status}`);
    });
}
