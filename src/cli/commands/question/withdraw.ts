import type { Command } from 'commander';
import { WithdrawQuestionDocument } from '../../../client/generated/graphql.ts';
import { newRequestId } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { teach } from '../../help.ts';

export function register(command: Command, cli: Cli): void {
  teach(command, {
    about:
      'Takes back a question that nobody needs an answer to any more. A supervisor that waits for it is told; one that\n' +
      'is paused by it goes on.',
    examples: ['PATH question_01k…'],
    exits: { 1: 'the question is closed (QUESTION_CLOSED)', 4: 'there is no such question' },
  })
    .argument('<question>', 'id of the question')
    .action(async (questionId: string) => {
      const api = await cli.api();
      const { withdrawQuestion } = await api.call(WithdrawQuestionDocument, {
        input: { questionId, requestId: newRequestId() },
      });
      const { question } = withdrawQuestion;
      cli.result(question, () => `${question.id} ${question.status}`);
    });
}
