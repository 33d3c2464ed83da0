import type { Command } from 'commander';
import { TaskDiffDocument, type TaskDiffQuery } from '../../../client/generated/graphql.ts';
import { DAEMON_CALL_MS } from '../../../client/patience.ts';
import type { Cli } from '../../cli.ts';
import { teach, wholeNumber } from '../../help.ts';
import { harmless, type Paint, painter } from '../../style.ts';
import { table } from '../../table.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Shows what a task has changed in its working copy since its base, committed or not, as a unified diff; with\n' +
      '--stat only the files and the number of lines.',
    examples: ['PATH task_01k…', 'PATH task_01k… --stat', 'PATH task_01k… > change.patch'],
    exits: {
      1: 'no daemon and no checkpoint has it (NO_DAEMON)',
      4: 'there is no such task',
      5: 'the daemon did not answer',
    },
  })
    .argument('<task>', 'id of the task')
    .option('--stat', 'files and number of lines only')
    .option('--max-bytes <bytes>', 'cut the diff after this size', wholeNumber(1))
    .action(async (taskId: string, options: { stat?: true; maxBytes?: number }) => {
      const api = await cli.api();
      const limit = options.maxBytes === undefined ? {} : { maxBytes: options.maxBytes };
      const { taskDiff } = await api.call(
        TaskDiffDocument,
        { taskId, ...limit },
        { timeoutMs: DAEMON_CALL_MS },
      );
      const paint = painter(cli.terminal.stdout);
      cli.result(taskDiff, () => {
        if (options.stat) return statistics(taskDiff, paint);
        return cli.terminal.stdout.isTTY ? coloured(taskDiff.patch, paint) : taskDiff.patch;
      });
      if (taskDiff.truncated && !cli.json) cli.note('taskmesh: the diff is cut; --max-bytes shows more');
    });
}

function statistics(diff: TaskDiffQuery['taskDiff'], paint: Paint): string {
  const rows = diff.files.map((file) => {
    const path = file.oldPath && file.oldPath !== file.path ? `${file.oldPath} → ${file.path}` : file.path;
    const lines = file.binary
      ? 'binary'
      : `${paint('green', `+${file.linesAdded}`)} ${paint('red', `−${file.linesRemoved}`)}`;
    return [file.status.toLowerCase().replace('_', ' '), harmless(path), lines];
  });
  const count = `${diff.files.length} file${diff.files.length === 1 ? '' : 's'}`;
  return [table(rows), `${count}, +${diff.linesAdded} −${diff.linesRemoved}`].filter(Boolean).join('\n');
}

function coloured(patch: string, paint: Paint): string {
  return patch
    .split('\n')
    .map((line) => {
      const text = harmless(line);
      if (/^(diff |index |---|\+\+\+)/.test(line)) return paint('bold', text);
      if (line.startsWith('@@')) return paint('cyan', text);
      if (line.startsWith('+')) return paint('green', text);
      return line.startsWith('-') ? paint('red', text) : text;
    })
    .join('\n');
}
