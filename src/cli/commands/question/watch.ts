import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { UnreachableError } from '../../../client/errors.ts';
import { type QuestionDetailsFragment, QuestionsAskedDocument } from '../../../client/generated/graphql.ts';
import { questionText } from '../../answering.ts';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';
import { harmless, type Paint, painter } from '../../style.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Shows each question of your supervisors as it is asked, those that wait already first, until it is stopped.\n' +
      'With --json: one question per line.',
    examples: ['PATH', "PATH --json | jq -r '.question'"],
  })
    .option('--contract <contract>', 'only those of this contract')
    .action(async (options: { contract?: string }) => {
      const api = await cli.api();
      const paint = painter(cli.terminal.stdout);
      // After a cut the pending ones come again.
      const seen = new Set<string>();
      for (let pause = 100; ; pause = Math.min(pause * 2, 5_000)) {
        try {
          const asked = api.client.subscribe(QuestionsAskedDocument, { contractId: options.contract });
          for await (const { questionAsked } of asked) {
            pause = 100;
            if (seen.has(questionAsked.id)) continue;
            seen.add(questionAsked.id);
            cli.print(cli.json ? JSON.stringify(questionAsked) : `${questionBlock(questionAsked, paint)}\n`);
          }
          return;
        } catch (error) {
          if (!(error instanceof UnreachableError)) throw error;
          cli.note('taskmesh: the connection was cut, trying again');
          await delay(pause);
        }
      }
    });
}

/** A question, who asks, and how to answer it, or what came of it. */
export function questionBlock(question: QuestionDetailsFragment, paint: Paint): string {
  const from = `${harmless(question.task.name)} in ${harmless(question.contract.name)}`;
  return [
    paint('gray', `${question.id}  ${from}`),
    questionText(question, paint),
    paint('gray', `  ${nextOf(question)}`),
  ].join('\n');
}

function nextOf({ id, status, response }: QuestionDetailsFragment): string {
  if (status === 'PENDING') return `taskmesh question answer ${id}`;
  const what = status.toLowerCase().replaceAll('_', ' ');
  return response === null || response === undefined ? what : `${what}: ${harmless(response)}`;
}
