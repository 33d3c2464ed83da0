import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { EXIT } from '../../exit-codes.ts';
import { CommandFailure } from '../../failures.ts';
import { teach, wholeNumber } from '../../help.ts';
import { duration, harmless, painter, paintStatus } from '../../style.ts';
import { succeeded, type WaitedTask, waitForTasks } from '../../waiting.ts';
import { WaitingView } from '../../waiting-view.ts';

interface Options {
  any?: true;
  timeout?: number;
}

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Waits until all the tasks have completed, or with --any the first of them, and prints each as it does: id,\n' +
      'status, duration, name, and what came of it. Waits through restarts of the server.',
    examples: ['PATH task_01k… task_01m…', 'PATH "$first" "$second" --timeout 900 && echo "both are done"'],
    exits: {
      0: 'all that were waited for are DONE (or MERGED)',
      1: 'one ended FAILED or CANCELLED',
      5: 'the time was up',
    },
  })
    .argument('<task...>', 'ids of the tasks')
    .option('--any', 'wait for the first that completes')
    .option('--timeout <seconds>', 'how long to wait at most (default: without limit)', wholeNumber(1))
    .action(async (taskIds: string[], options: Options) => {
      const api = await cli.api();
      const paint = painter(cli.terminal.stdout);
      const completed: WaitedTask[] = [];
      const view = new WaitingView(cli, taskIds.length);
      const open = await waitForTasks(api, taskIds, {
        timeoutSeconds: options.timeout,
        any: options.any === true,
        onCompleted: (task) => {
          completed.push(task);
          view.completed();
          if (cli.json) return;
          const said = (task.errorMessage ?? task.outputSummary ?? '').trim().split('\n', 1)[0] ?? '';
          const { id, name, durationSeconds } = task.task;
          const parts = [
            id,
            paintStatus(task.status, paint),
            duration(durationSeconds),
            harmless(name),
            harmless(said),
          ];
          view.print(() => cli.print(parts.filter(Boolean).join('  ')));
        },
      }).finally(() => view.end());
      if (cli.json) cli.print(JSON.stringify(completed, null, 2));
      const failed = completed.find((task) => !succeeded(task.status));
      if (failed) {
        throw new CommandFailure(
          `TASK_${failed.status}`,
          EXIT.failed,
          `${harmless(failed.task.name)} ended ${failed.status}. Its output: taskmesh task output ${failed.task.id}`,
        );
      }
      if (open.length > 0) {
        throw new CommandFailure(
          'TIMED_OUT',
          EXIT.timedOut,
          `Not completed within ${options.timeout} seconds: ${open.join(' ')}`,
        );
      }
    });
}
