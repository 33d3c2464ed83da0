import type { Command } from 'commander';
import { TaskCheckpointsDocument } from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';
import { harmless, painter } from '../../style.ts';
import { table } from '../../table.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Lists what was saved of the working copy of a task, first to last. `contract resume --checkpoint` goes back to one\n' +
      'of the supervisor; `task spawn --checkpoint` starts a task from the commit of any.',
    examples: ['PATH task_01k…', "PATH task_01k… --json | jq -r '.[-1].commitSha'"],
    exits: { 4: 'there is no such task' },
  })
    .argument('[task]', 'id of the task (default: the own)')
    .action(async (given: string | undefined) => {
      const api = await cli.api();
      const { checkpoints } = await api.call(TaskCheckpointsDocument, { taskId: given ?? api.taskId });
      const paint = painter(cli.terminal.stdout);
      cli.result(checkpoints, () =>
        checkpoints.length === 0
          ? 'Nothing was saved of it yet.'
          : table([
              ['NO', 'ID', 'COMMIT', 'FILES', 'LINES', 'MADE', 'FOR', 'MESSAGE'].map((title) =>
                paint('bold', title),
              ),
              ...checkpoints.map((checkpoint) => [
                String(checkpoint.number),
                checkpoint.id,
                checkpoint.commitSha.slice(0, 10),
                String(checkpoint.filesChanged),
                `+${checkpoint.linesAdded} −${checkpoint.linesRemoved}`,
                checkpoint.createdAt.slice(0, 19).replace('T', ' '),
                harmless(checkpoint.task.name),
                harmless(checkpoint.message.split('\n', 1)[0] ?? ''),
              ]),
            ]),
      );
    });
}
