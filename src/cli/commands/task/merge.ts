import type { Command } from 'commander';
import { MergeTaskDocument, type MergeTaskMutation } from '../../../client/generated/graphql.ts';
import { DAEMON_CALL_MS } from '../../../client/patience.ts';
import { deadlineIn } from '../../../client/slices.ts';
import { type Api, newRequestId } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { EXIT } from '../../exit-codes.ts';
import { teach, wholeNumber } from '../../help.ts';
import { harmless, painter } from '../../style.ts';

interface Options {
  target?: string;
  squash?: true;
  dryRun?: true;
  message?: string;
  timeout: number;
}

type Merge = MergeTaskMutation['mergeTask'];

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Merges the branch of a task into its target: its own target branch, else the branch of the supervisor. A conflict\n' +
      'changes nothing; its files and hunks are shown.',
    examples: ['PATH task_01k…', 'PATH task_01k… --target main --squash', 'PATH task_01k… --dry-run'],
    exits: {
      0: 'merged, or there was nothing to merge',
      1: 'a conflict, or refused (NO_BRANCH, TARGET_DIRTY …)',
      5: 'the daemon has not answered yet; the result will be in the log',
    },
  })
    .argument('<task>', 'id of the task')
    .option('--target <branch>', 'branch to merge into')
    .option('--squash', 'as one commit')
    .option('--dry-run', 'only say what would happen')
    .option('--message <text>', 'message of the commit')
    .option('--timeout <seconds>', 'how long to wait for the result', wholeNumber(1), 600)
    .action(async (taskId: string, options: Options) => {
      const api = await cli.api();
      const merge = await mergeTask(api, taskId, options);
      cli.result(merge, () => text(merge, cli));
      if (merge.outcome === 'CONFLICT') cli.exitCode = EXIT.failed;
      if (merge.outcome === 'PENDING') cli.exitCode = EXIT.timedOut;
    });
}

/** The call returns PENDING when the daemon takes long; the same requestId takes the waiting up again. */
async function mergeTask(api: Api, taskId: string, options: Options): Promise<Merge> {
  const input = {
    taskId,
    targetBranch: options.target,
    squash: options.squash === true,
    dryRun: options.dryRun === true,
    message: options.message,
    requestId: newRequestId(),
  };
  const deadline = deadlineIn(options.timeout);
  for (;;) {
    const { mergeTask } = await api.call(MergeTaskDocument, { input }, { timeoutMs: DAEMON_CALL_MS });
    if (mergeTask.outcome !== 'PENDING' || performance.now() >= deadline) return mergeTask;
  }
}

function text(merge: Merge, cli: Cli): string {
  const paint = painter(cli.terminal.stdout);
  const commit = merge.commitSha ? ` at ${merge.commitSha.slice(0, 10)}` : '';
  const head = `${merge.outcome} into ${harmless(merge.targetBranch)}${commit}: ${harmless(merge.message)}`;
  const conflicts = merge.conflicts.map((conflict) => {
    const tasks = conflict.tasks.map((task) => harmless(task.name)).join(' and ');
    const hunks = conflict.hunks.map((hunk) => hunk.split('\n').map(harmless).join('\n'));
    return [
      `${paint('red', harmless(conflict.path))} (${conflict.kind})${tasks ? `, changed by ${tasks}` : ''}`,
      ...hunks,
    ].join('\n');
  });
  return [head, ...conflicts].join('\n');
}
