import type { Command } from 'commander';
import { CreateCheckpointDocument } from '../../../client/generated/graphql.ts';
import { DAEMON_CALL_MS } from '../../../client/patience.ts';
import { newRequestId } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { EXIT } from '../../exit-codes.ts';
import { teach } from '../../help.ts';
import { harmless } from '../../style.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Saves the whole working copy of a task as a checkpoint that another machine can restore. Branch, index and files\n' +
      'stay as they are. An agent may leave the task out: it is its own then.',
    examples: [
      'PATH task_01k… --message "before the refactoring"',
      'PATH --message "tests pass"      # as an agent',
    ],
    exits: { 0: 'saved, or nothing had changed since the last one', 5: 'the daemon has not answered yet' },
  })
    .argument('[task]', 'id of the task (default: the own)')
    .option('--message <text>', 'what stands there now', 'Checkpoint')
    .action(async (given: string | undefined, options: { message: string }) => {
      const api = await cli.api();
      const taskId = given ?? api.taskId;
      const input = { taskId, message: options.message, requestId: newRequestId() };
      const call = () => api.call(CreateCheckpointDocument, { input }, { timeoutMs: DAEMON_CALL_MS });
      let { createCheckpoint } = await call();
      // The same requestId takes the waiting up again.
      if (createCheckpoint.pending) ({ createCheckpoint } = await call());
      const { checkpoint, created, pending } = createCheckpoint;
      if (pending) cli.exitCode = EXIT.timedOut;
      cli.result(createCheckpoint, () => {
        if (pending) return 'The daemon has not answered yet; the checkpoint will be in the log.';
        if (!checkpoint) return 'There is nothing to save yet.';
        const { number, commitSha, filesChanged, linesAdded, linesRemoved, message } = checkpoint;
        const size = `${filesChanged} files, +${linesAdded} −${linesRemoved}`;
        const head = created ? `Checkpoint ${number}` : `Nothing changed since checkpoint ${number}`;
        return `${head} (${commitSha.slice(0, 10)}): ${size}, ${harmless(message)}`;
      });
      for (const path of checkpoint?.skippedPaths ?? []) cli.note(`taskmesh: not saved: ${harmless(path)}`);
    });
}
