import type { Command } from 'commander';
import { SendMessageDocument } from '../../../client/generated/graphql.ts';
import { newRequestId } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { usageFailure } from '../../failures.ts';
import { teach } from '../../help.ts';
import { givenText } from '../../text-input.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Sends a message to the agent of a task. It is kept until the agent has it: an agent that waits is woken by it, a\n' +
      'shell agent reads it with `taskmesh supervisor inbox`.',
    examples: ['PATH task_01k… "Use the staging database"', 'PATH task_01k… --message-file notes.md'],
    exits: { 1: 'the task has ended', 4: 'there is no such task' },
  })
    .argument('<task>', 'id of the task')
    .argument('[message]', 'the message')
    .option('--message-file <file>', 'the message in a file, - for stdin')
    .action(async (taskId: string, message: string | undefined, options: { messageFile?: string }) => {
      const content = await givenText(
        { text: message, file: options.messageFile, flag: 'message' },
        cli.terminal,
      );
      if (content === undefined)
        throw usageFailure('There is no message. Give it as an argument, or --message-file.', 'content');
      const api = await cli.api();
      const { sendMessage } = await api.call(SendMessageDocument, {
        input: { taskId, content, requestId: newRequestId() },
      });
      cli.result(sendMessage.message, () => `Message ${sendMessage.message.number} is on its way.`);
    });
}
