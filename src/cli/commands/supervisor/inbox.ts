import type { Command } from 'commander';
import { AcknowledgeMessagesDocument, InboxDocument } from '../../../client/generated/graphql.ts';
import { deadlineIn, sliceUntil, WAITING_PATIENCE_MS } from '../../../client/slices.ts';
import type { Cli } from '../../cli.ts';
import { EXIT } from '../../exit-codes.ts';
import { teach, wholeNumber } from '../../help.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Reads the messages to this agent that it has not read yet: answers to questions, words of the person, news of\n' +
      'tasks. Each is given once. With --wait it waits for one when there is none.',
    examples: ['PATH', "PATH --wait --timeout 600 --json | jq -r '.[].content'"],
    exits: { 0: 'done, also when there was none', 5: 'with --wait: none came in time' },
  })
    .option('--wait', 'wait for a message')
    .option('--timeout <seconds>', 'how long to wait at most (default: without limit)', wholeNumber(1))
    .action(async (options: { wait?: true; timeout?: number }) => {
      const api = await cli.api();
      const deadline = options.wait ? deadlineIn(options.timeout) : 0;
      for (;;) {
        const timeoutSeconds = options.wait ? sliceUntil(deadline) : 0;
        const patience = options.wait ? { patienceMs: WAITING_PATIENCE_MS } : {};
        const timeoutMs = (timeoutSeconds + 15) * 1_000;
        const { inbox: messages } = await api.call(
          InboxDocument,
          { timeoutSeconds },
          { timeoutMs, ...patience },
        );
        const waitOn = messages.length === 0 && sliceUntil(deadline) > 0;
        if (waitOn) continue;
        if (messages.length === 0 && options.wait) cli.exitCode = EXIT.timedOut;
        cli.result(messages, () =>
          messages.map((message) => `[${message.sender.toLowerCase()}] ${message.content}`).join('\n'),
        );
        // After they are out: what was cut off before is given again.
        const last = messages.at(-1);
        if (last) await api.call(AcknowledgeMessagesDocument, { input: { upTo: last.number } }, patience);
        return;
      }
    });
}
