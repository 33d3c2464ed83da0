import type { Command } from 'commander';
import { PauseTaskDocument } from '../../../client/generated/graphql.ts';
import { newRequestId } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Holds the processes of a running task where they are and saves its working copy. Its place on the daemon is free\n' +
      'for another task until `taskmesh task resume`.',
    examples: ['PATH task_01k…'],
    exits: { 1: 'the task does not run (INVALID_TRANSITION)', 4: 'there is no such task' },
  })
    .argument('<task>', 'id of the task')
    .action(async (taskId: string) => {
      const api = await cli.api();
      const { pauseTask } = await api.call(PauseTaskDocument, {
        input: { taskId, requestId: newRequestId() },
      });
      cli.result(pauseTask.task, () => `${pauseTask.task.id} ${pauseTask.task.status}`);
    });
}
