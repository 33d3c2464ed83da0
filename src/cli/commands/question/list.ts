import type { Command } from 'commander';
import { PendingQuestionsDocument } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';
import { painter } from '../../style.ts';
import { questionBlock } from './watch.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about: 'Lists the questions of your supervisors that wait for an answer.',
    examples: ['PATH', 'PATH --contract contract_01k… --json'],
  })
    .option('--contract <contract>', 'only those of this contract')
    .action(async (options: { contract?: string }) => {
      const api = await cli.api();
      const { pendingQuestions } = await api.call(PendingQuestionsDocument, { contractId: options.contract });
      const paint = painter(cli.terminal.stdout);
      cli.result(pendingQuestions, () =>
        pendingQuestions.length === 0
          ? 'Nobody is waiting for an answer.'
          : pendingQuestions.map((question) => questionBlock(question, paint)).join('\n\n'),
      );
    });
}
