import { type Command, Option } from 'commander';
import {
  PendingQuestionsDocument,
  type QuestionDetailsFragment,
  QuestionListDocument,
  type QuestionStatus,
} from '../../../client/generated/graphql.ts';
import type { Cli } from '../../cli.ts';
import { oneOf, teach } from '../../help.ts';
import { painter } from '../../style.ts';
import { questionBlock } from './watch.ts';

const STATUSES = ['PENDING', 'ANSWERED', 'TIMED_OUT', 'WITHDRAWN'] as const satisfies QuestionStatus[];

interface Options {
  contract?: string;
  status?: QuestionStatus | 'ALL';
}

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Lists the questions of your supervisors that wait for an answer, the oldest first; with --contract and --status\n' +
      'also those of a contract that do not wait any more, with what came of them.',
    examples: [
      'PATH',
      'PATH --contract contract_01k… --json',
      'PATH --contract contract_01k… --status answered',
    ],
    exits: { 2: 'wrong usage, or --status without a contract', 4: 'there is no such contract' },
  })
    .option('--contract <contract>', 'only those of this contract')
    .addOption(
      new Option(
        '--status <status>',
        'of one contract: answered, timed-out, withdrawn or all (default: pending)',
      ).argParser(oneOf([...STATUSES, 'ALL'])),
    )
    .action(async (options: Options) => {
      const questions = await list(cli, options);
      const paint = painter(cli.terminal.stdout);
      cli.result(questions, () => {
        if (questions.length > 0)
          return questions.map((question) => questionBlock(question, paint)).join('\n\n');
        return isPending(options) ? 'Nobody is waiting for an answer.' : 'There are no such questions.';
      });
    });
}

function isPending({ status }: Options): boolean {
  return status === undefined || status === 'PENDING';
}

async function list(cli: Cli, options: Options): Promise<readonly QuestionDetailsFragment[]> {
  const api = await cli.api();
  const { contract, status } = options;
  if (isPending(options))
    return (await api.call(PendingQuestionsDocument, { contractId: contract })).pendingQuestions;
  const contractId = api.contractOr(contract);
  const variables = { contractId, status: status === 'ALL' ? undefined : status };
  return (await api.call(QuestionListDocument, variables)).questions;
}
