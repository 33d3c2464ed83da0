import type { Command } from 'commander';
import { AnswerQuestionDocument, PendingQuestionsDocument } from '../../../client/generated/graphql.ts';
import { type Answer, promptForAnswer } from '../../answering.ts';
import { type Api, newRequestId } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { EXIT } from '../../exit-codes.ts';
import { CommandFailure, usageFailure } from '../../failures.ts';
import { collect, teach } from '../../help.ts';
import { painter } from '../../style.ts';

interface Options {
  choice?: string[];
  text?: string;
}

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Answers a question of a supervisor: with one of its choices, or in your own words. At a terminal, without either,\n' +
      'it shows the question and asks you. The first of several answers counts.',
    examples: [
      'PATH question_01k… --choice yes',
      'PATH question_01k… --text "Use port 8080"',
      'PATH question_01k…',
    ],
    exits: {
      1: 'the question is closed (QUESTION_CLOSED)',
      2: 'not among the choices (INVALID_CHOICE)',
      4: 'there is no such question',
    },
  })
    .argument('<question>', 'id of the question')
    .option('--choice <text>', 'one of the choices; may be repeated where more are allowed', collect)
    .option('--text <text>', 'an answer in your own words')
    .action(async (questionId: string, options: Options) => {
      const api = await cli.api();
      const answer =
        options.choice || options.text !== undefined
          ? givenAnswer(options)
          : await prompted(cli, api, questionId);
      const { answerQuestion } = await api.call(AnswerQuestionDocument, {
        input: { questionId, ...answer, requestId: newRequestId() },
      });
      cli.result(answerQuestion.question, () => `Answered: ${answerQuestion.question.response ?? ''}`);
    });
}

function givenAnswer(options: Options): Answer {
  return {
    ...(options.choice ? { choices: options.choice } : {}),
    ...(options.text === undefined ? {} : { text: options.text }),
  };
}

async function prompted(cli: Cli, api: Api, questionId: string): Promise<Answer> {
  if (!cli.terminal.stdin.isTTY || cli.json)
    throw usageFailure('Say what to answer: --choice or --text.', 'text');
  const { pendingQuestions } = await api.call(PendingQuestionsDocument, {});
  const question = pendingQuestions.find((candidate) => candidate.id === questionId);
  if (!question) {
    throw new CommandFailure(
      'NOT_FOUND',
      EXIT.notFound,
      `${questionId} does not wait for an answer. \`taskmesh question list\` shows what does.`,
    );
  }
  return promptForAnswer(question, cli.terminal, painter(cli.terminal.stdout));
}
