import { type Command, Option } from 'commander';
import { NotifySupervisorDocument, type Severity } from '../../../client/generated/graphql.ts';
import { newRequestId } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { usageFailure } from '../../failures.ts';
import { oneOf, teach } from '../../help.ts';
import { givenText } from '../../text-input.ts';

const SEVERITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW'] as const satisfies Severity[];

interface Options {
  severity: Severity;
  messageFile?: string;
  task?: string;
  file?: string;
  context?: string;
}

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'For the red team: warns the supervisor, and shows the warning to the person. Say what is wrong, where, why it\n' +
      'matters and what would mend it. The same again within an hour is dropped; below critical at most 30 an hour.',
    examples: [
      'PATH --severity high --task task_01k… --file src/login.ts "Passwords are compared with ==: use timingSafeEqual"',
      'PATH --severity critical --message-file - < warning.md',
    ],
    exits: {
      0: 'warned, or dropped as the same as before',
      1: 'too many within the hour (RATE_LIMITED)',
      3: 'no valid key, or not that of a red team',
    },
  })
    .argument('[message]', 'what is wrong')
    .addOption(
      new Option('--severity <severity>', 'critical, high, medium or low')
        .argParser(oneOf(SEVERITIES))
        .makeOptionMandatory(),
    )
    .option('--message-file <file>', 'the message in a file, - for stdin')
    .option('--task <task>', 'the task it is about')
    .option('--file <path>', 'the file it is about')
    .option('--context <text>', 'what one should see to understand it')
    .action(async (given: string | undefined, options: Options) => {
      const { severity, task: taskId, file, context } = options;
      const message = await givenText(
        { text: given, file: options.messageFile, flag: 'message' },
        cli.terminal,
      );
      if (message === undefined)
        throw usageFailure('Say what is wrong: as an argument, or with --message-file.', 'message');
      const api = await cli.api();
      const { notifySupervisor } = await api.call(NotifySupervisorDocument, {
        input: { message, severity, taskId, file, context, requestId: newRequestId() },
      });
      cli.result(notifySupervisor, () =>
        notifySupervisor.duplicate
          ? 'Dropped: the same was said within the hour.'
          : 'The supervisor is warned.',
      );
    });
}
