import type { Command } from 'commander';
import { ResumeTaskDocument } from '../../../client/generated/graphql.ts';
import { newRequestId } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Lets a paused task go on where it was held; when its daemon is gone, from its last checkpoint on another one.',
    examples: ['PATH task_01k…'],
    exits: { 1: 'the task is not paused (INVALID_TRANSITION)', 4: 'there is no such task' },
  })
    .argument('<task>', 'id of the task')
    .action(async (taskId: string) => {
      const api = await cli.api();
      const { resumeTask } = await api.call(ResumeTaskDocument, {
        input: { taskId, requestId: newRequestId() },
      });
      cli.result(resumeTask.task, () => `${resumeTask.task.id} ${resumeTask.task.status}`);
    });
}
