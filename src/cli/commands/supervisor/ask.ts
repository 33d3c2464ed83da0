import { type Command, Option } from 'commander';
import {
  AcknowledgeAnswerDocument,
  AskQuestionDocument,
  AwaitAnswerDocument,
  type QuestionType,
} from '../../../client/generated/graphql.ts';
import { SLICE_SECONDS, WAITING_PATIENCE_MS } from '../../../client/slices.ts';
import { type Api, newRequestId } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { EXIT } from '../../exit-codes.ts';
import { CommandFailure } from '../../failures.ts';
import { collect, oneOf, teach, wholeNumber } from '../../help.ts';

interface Options {
  choice?: string[];
  context?: string;
  multiSelect?: true;
  type: QuestionType;
  timeout: number;
  keepOpen?: true;
  phaseguard?: true;
  wait: boolean;
}

const TYPES = [
  'GENERAL',
  'PERMISSION',
  'PHASE_CONFIRMATION',
  'CONTRACT_COMPLETE',
] as const satisfies QuestionType[];
const SLICE = { timeoutMs: (SLICE_SECONDS + 15) * 1_000, patienceMs: WAITING_PATIENCE_MS };

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Asks the person who owns the contract, waits for the answer and prints it alone on stdout. They may pick one of\n' +
      'the choices, or answer in their own words. No answer is never consent: then the exit code is 5.\n' +
      'With --phaseguard or --no-wait it ends at once with 0: stdout is empty, stderr has the id of the question, and the\n' +
      'answer comes as a message: read it with `taskmesh supervisor inbox --wait`.',
    examples: [
      'PATH "Merge now?" --choice yes --choice "not yet"',
      'PATH "Which port?" --timeout 600',
      'PATH "Is the plan right?" --phaseguard && taskmesh supervisor inbox --wait',
    ],
    exits: {
      0: 'answered; with --phaseguard or --no-wait: asked',
      1: 'the question was withdrawn',
      5: 'nobody answered in time',
    },
  })
    .argument('<question>', 'the question')
    .option('--choice <text>', 'an answer to offer; may be repeated', collect)
    .option('--context <text>', 'what the person should know to answer')
    .option('--multi-select', 'more than one choice may be picked')
    .addOption(
      new Option('--type <type>', `what is asked for: ${TYPES.join(', ').toLowerCase()}`)
        .argParser(oneOf(TYPES))
        .default('GENERAL', 'general'),
    )
    .option(
      '--timeout <seconds>',
      'how long it can be answered, and is waited for',
      wholeNumber(1, 86_400),
      3_600,
    )
    .option('--keep-open', 'still answerable after the time; a late answer comes as a message')
    .option(
      '--phaseguard',
      'have all of this agent held, in a moment, until there is an answer, however long that takes',
    )
    .option('--no-wait', 'go on meanwhile (not with --phaseguard)')
    .action(async (question: string, options: Options) => {
      const api = await cli.api();
      const answer = await ask(api, question, options);
      const { outcome, response } = answer;
      if (answersLater(options)) return tellAsked(cli, answer.question.id);
      if (cli.json) cli.print(JSON.stringify({ questionId: answer.question.id, outcome, response }, null, 2));
      else if (outcome === 'ANSWERED') cli.print(response ?? '');
      if (outcome === 'ANSWERED') return acknowledge(cli, api, answer.question.id);
      throw new CommandFailure(
        'TIMED_OUT',
        EXIT.timedOut,
        `Nobody answered within ${options.timeout} seconds.`,
      );
    });
}

/** Nobody waits for the answer here: it comes as a message. */
function answersLater(options: Options): boolean {
  return options.phaseguard === true || !options.wait;
}

/** On stderr, so that what a script keeps of stdout is never taken for an answer. */
function tellAsked(cli: Cli, questionId: string): void {
  if (cli.json) cli.print(JSON.stringify({ questionId, outcome: 'PENDING', response: null }, null, 2));
  else cli.note(questionId);
}

async function ask(api: Api, question: string, options: Options) {
  const input = {
    contractId: api.contractId,
    question,
    choices: options.choice ?? [],
    context: options.context,
    timeoutSeconds: options.timeout,
    multiSelect: options.multiSelect === true,
    questionType: options.type,
    keepOpen: options.keepOpen === true,
    phaseguard: options.phaseguard === true,
    nonBlocking: !options.wait,
    waitSeconds: SLICE_SECONDS,
    requestId: newRequestId(),
  };
  let answer = (await api.call(AskQuestionDocument, { input }, SLICE)).askQuestion;
  while (answer.outcome === 'PENDING' && !answersLater(options)) {
    const input = { questionId: answer.question.id, timeoutSeconds: SLICE_SECONDS };
    answer = (await api.call(AwaitAnswerDocument, { input }, SLICE)).awaitAnswer;
  }
  return answer;
}

/** After printing: an answer that was acknowledged and then not printed would be lost; the other way it comes twice. */
async function acknowledge(cli: Cli, api: Api, questionId: string): Promise<void> {
  try {
    await api.call(AcknowledgeAnswerDocument, { input: { questionId } });
  } catch (error) {
    cli.note(
      `taskmesh: the answer could not be acknowledged and may come again as a message: ${(error as Error).message}`,
    );
  }
}
