import type { Command } from 'commander';
import { RetryTaskDocument } from '../../../client/generated/graphql.ts';
import { newRequestId } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Starts a task again that failed or was cancelled, in the working copy it had. Its output goes on in the same log,\n' +
      'as the next attempt.',
    examples: ['PATH task_01k…'],
    exits: {
      1: 'the task neither failed nor was cancelled (INVALID_TRANSITION), or its contract is closed (CONTRACT_CLOSED)',
      4: 'there is no such task',
    },
  })
    .argument('<task>', 'id of the task')
    .action(async (taskId: string) => {
      const api = await cli.api();
      const { retryTask } = await api.call(RetryTaskDocument, {
        input: { taskId, requestId: newRequestId() },
      });
      cli.result(retryTask.task, () => `${retryTask.task.id} ${retryTask.task.status}`);
    });
}
