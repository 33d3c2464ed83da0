import type { Command } from 'commander';
import { WorktreeFileDocument } from '../../../client/generated/graphql.ts';
import { DAEMON_CALL_MS } from '../../../client/patience.ts';
import type { Cli } from '../../cli.ts';
import { EXIT } from '../../exit-codes.ts';
import { CommandFailure } from '../../failures.ts';
import { teach } from '../../help.ts';
import { harmless } from '../../style.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Writes a file of the working copy of a task to stdout, byte for byte, as it is now, saved or not; at most its\n' +
      'first MiB. Paths are relative to the root of the working copy and stay inside it.',
    examples: ['PATH task_01k… src/main.ts', 'PATH task_01k… logo.png > logo.png'],
    exits: {
      1: 'no daemon has it (NO_DAEMON, INVALID_TRANSITION)',
      3: 'no valid key, or the path leaves the working copy (FORBIDDEN_PATH)',
      4: 'there is no such task, or no such file',
      5: 'the daemon did not answer',
    },
  })
    .argument('<task>', 'id of the task')
    .argument('<path>', 'path of the file')
    .action(async (taskId: string, path: string) => {
      const api = await cli.api();
      const { worktreeFile: file } = await api.call(
        WorktreeFileDocument,
        { taskId, path },
        { timeoutMs: DAEMON_CALL_MS },
      );
      if (cli.json) cli.print(JSON.stringify(file, null, 2));
      if (file.content === null) {
        if (!cli.json)
          throw new CommandFailure('NOT_FOUND', EXIT.notFound, `There is no file ${harmless(path)} there.`);
        cli.exitCode = EXIT.notFound;
        return;
      }
      if (cli.json) return;
      const { stdout } = cli.terminal;
      const bytes = Buffer.from(file.content, file.encoding === 'BASE64' ? 'base64' : 'utf8');
      // Bytes as they are for a file or a program; a terminal would obey what they say.
      if (!stdout.isTTY) stdout.write(bytes);
      else if (file.encoding === 'UTF8') cli.print(file.content.split('\n').map(harmless).join('\n'));
      else cli.note(`taskmesh: ${file.size} bytes that are no text; redirect them into a file`);
      if (file.truncated) cli.note(`taskmesh: the file is cut; it has ${file.size} bytes`);
    });
}
