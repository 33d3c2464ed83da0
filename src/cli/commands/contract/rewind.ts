import type { Command } from 'commander';
import {
  RewindConversationDocument,
  type RewindConversationInput,
  type RewindConversationMutation,
} from '../../../client/generated/graphql.ts';
import { DAEMON_CALL_MS } from '../../../client/patience.ts';
import { deadlineIn } from '../../../client/slices.ts';
import { type Api, newRequestId } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { confirmed } from '../../confirming.ts';
import { EXIT } from '../../exit-codes.ts';
import { usageFailure } from '../../failures.ts';
import { teach, wholeNumber } from '../../help.ts';
import { harmless } from '../../style.ts';

interface Options {
  messages?: number;
  to?: string;
  code?: true;
  dryRun?: true;
  yes?: true;
  timeout: number;
}

type Rewound = RewindConversationMutation['rewindConversation'];

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Takes the conversation of the supervisor back: its last message goes, or the last ones, or all behind a message.\n' +
      'With --code its working copy goes back as well, to the last checkpoint from then; what it was is saved first. A\n' +
      'supervisor that runs is paused and stays so: `taskmesh contract resume` lets it go on from there.\n' +
      'It says what would be done and asks; --dry-run only says it, --yes does not ask.',
    examples: [
      'PATH contract_01k… --messages 4 --dry-run',
      'PATH contract_01k… --to turn_01k… --code      # taskmesh contract conversation shows the ids',
      'PATH contract_01k… --messages 4 --yes',
    ],
    exits: {
      0: 'done, or with --dry-run: told',
      1: 'refused (COPY_IN_USE, NO_CHECKPOINT, NO_SUPERVISOR …), or you said no',
      2: 'wrong usage, or nobody could be asked and --yes is missing',
      4: 'there is no such contract or message',
      5: 'the daemon has not answered yet; the result will be in the log',
    },
  })
    .argument('<contract>', 'id of the contract')
    .option('--messages <number>', 'how many of the last messages go (default: 1)', wholeNumber(0))
    .option('--to <message>', 'the message that stays as the last one')
    .option('--code', 'take the working copy back as well')
    .option('--dry-run', 'only say what would be done')
    .option('--yes', 'do not ask')
    .option('--timeout <seconds>', 'how long to wait for the result', wholeNumber(1), 600)
    .action((contractId: string, options: Options) => rewind(cli, contractId, options));
}

async function rewind(cli: Cli, contractId: string, options: Options): Promise<void> {
  if (options.messages !== undefined && options.to !== undefined)
    throw usageFailure('Say how many messages go (--messages), or which one stays (--to), not both.', 'to');
  const input: RewindConversationInput = {
    contractId,
    byMessageCount: options.messages,
    toMessageId: options.to,
    rewindCode: options.code === true,
  };
  const api = await cli.api();
  if (options.dryRun || !options.yes) {
    const plan = (await api.call(RewindConversationDocument, { input: { ...input, dryRun: true } }))
      .rewindConversation;
    if (options.dryRun) return cli.result(plan, () => planText(plan));
    cli.note(planText(plan));
    if (!(await confirmed(cli, 'Rewind it?'))) {
      cli.note('Nothing was done.');
      cli.exitCode = EXIT.failed;
      return;
    }
  }
  const rewound = await perform(api, input, options.timeout);
  if (rewound.pending) cli.exitCode = EXIT.timedOut;
  cli.result(rewound, () => doneText(contractId, rewound));
  if (!rewound.pending) cli.hint(`Let it go on: taskmesh contract resume ${contractId}`);
}

async function perform(api: Api, input: RewindConversationInput, seconds: number): Promise<Rewound> {
  const variables = { input: { ...input, requestId: newRequestId() } };
  const deadline = deadlineIn(seconds);
  for (;;) {
    const { rewindConversation } = await api.call(RewindConversationDocument, variables, {
      timeoutMs: DAEMON_CALL_MS,
    });
    if (!rewindConversation.pending || performance.now() >= deadline) return rewindConversation;
  }
}

function planText({ messagesRemoved, newMessageCount, checkpoint }: Rewound): string {
  const goes = `${count(messagesRemoved)} would go, ${newMessageCount} would stay.`;
  if (!checkpoint) return `${goes} The code stays as it is.`;
  const { number, createdAt, message } = checkpoint;
  const when = createdAt.slice(0, 16).replace('T', ' ');
  return `${goes} The code would go back to checkpoint ${number} (${when}, ${harmless(message)}).`;
}

function doneText(contractId: string, rewound: Rewound): string {
  const { messagesRemoved, newMessageCount, pending, checkpoint, undoCheckpoint } = rewound;
  if (pending) return 'The daemon is still at it; the result will be in the log.';
  const goes = `${count(messagesRemoved)} went, ${newMessageCount} stay.`;
  const code = checkpoint ? ` The code is at checkpoint ${checkpoint.number}.` : '';
  const undo = undoCheckpoint
    ? `\nTo undo it: taskmesh contract resume ${contractId} --checkpoint ${undoCheckpoint.id}`
    : '';
  return `${goes}${code}${undo}`;
}

function count(messages: number): string {
  return `${messages} message${messages === 1 ? '' : 's'}`;
}
