import type { Command } from 'commander';
import { CancelTaskDocument } from '../../../client/generated/graphql.ts';
import { newRequestId } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Stops a task. One that runs is CANCELLING until its daemon has confirmed that all of its processes are gone:\n' +
      '`taskmesh task wait` waits for that.',
    examples: ['PATH task_01k… --reason "superseded"'],
    exits: { 1: 'the task has ended already (INVALID_TRANSITION)', 4: 'there is no such task' },
  })
    .argument('<task>', 'id of the task')
    .option('--reason <text>', 'why, for the log')
    .action(async (taskId: string, options: { reason?: string }) => {
      const api = await cli.api();
      const input = { taskId, reason: options.reason, requestId: newRequestId() };
      const { cancelTask } = await api.call(CancelTaskDocument, { input });
      cli.result(cancelTask.task, () => `${cancelTask.task.id} ${cancelTask.task.status}`);
    });
}
