import {
  AnswerQuestionDocument,
  CreateContractDocument,
  type QuestionDetailsFragment,
} from '../../client/generated/graphql.ts';
import { type Answer, parseAnswer, promptForAnswer, questionText } from '../answering.ts';
import { type Api, newRequestId } from '../api.ts';
import type { Cli } from '../cli.ts';
import { watchContract } from '../commands/contract/watch.ts';
import { EventLines } from '../event-lines.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandFailure } from '../failures.ts';
import { harmless, painter } from '../style.ts';
import type { LogEvent } from '../task-log.ts';
import { supervisorPlan } from './plan.ts';

const LIMIT_MS = 120_000;

/** Opens the demo's contract on a repository of this machine. */
export async function openContract(api: Api, repository: string): Promise<{ id: string; name: string }> {
  const { createContract } = await api.call(CreateContractDocument, {
    input: {
      name: 'Summaries of the repository',
      description: 'The demo: two tasks on branches of their own, notes, a question, two merges.',
      repositories: [{ localPath: repository, isPrimary: true }],
      agent: 'shell',
      supervisorPlan: await supervisorPlan(),
      requestId: newRequestId(),
    },
  });
  return createContract.contract;
}

/** Shows a contract from its first event to its end, and gets its questions answered. Rejects when it fails. */
export class ContractShow {
  readonly #cli: Cli;
  readonly #api: Api;
  readonly #answer: string | undefined;
  readonly #lines: EventLines;
  readonly #ended = new AbortController();
  readonly #signal: AbortSignal;
  #timer: NodeJS.Timeout | undefined;
  #failure: Error | undefined;

  /** @param answer instead of asking the person */
  constructor(cli: Cli, api: Api, answer: string | undefined, signal: AbortSignal) {
    this.#cli = cli;
    this.#api = api;
    this.#answer = answer;
    this.#lines = new EventLines(painter(cli.terminal.stdout));
    this.#signal = AbortSignal.any([signal, this.#ended.signal]);
  }

  async play(contractId: string): Promise<void> {
    this.#startClock();
    try {
      await watchContract(this.#api, contractId, 0, (event) => this.#show(event), undefined, this.#signal);
    } finally {
      clearTimeout(this.#timer);
      this.#ended.abort();
    }
    if (this.#failure) throw this.#failure;
  }

  #show(event: LogEvent): void {
    for (const line of this.#lines.linesOf(event)) this.#cli.print(line);
    if (event.__typename === 'QuestionEvent' && event.type === 'QUESTION_ASKED') {
      this.#reply(event.question).catch((error) => this.#fail(error));
    }
    if (event.__typename === 'TaskCompletedEvent' && event.taskStatus === 'FAILED') {
      const why = harmless(event.errorMessage ?? event.outputSummary ?? 'no reason given');
      const failure = new CommandFailure(
        'TASK_FAILED',
        EXIT.failed,
        `The task ${harmless(event.task.name)} FAILED: ${why}`,
      );
      // A failed task fails its supervisor as well; the first is the one to tell.
      this.#failure ??= failure;
      if (event.task.role === 'SUPERVISOR') this.#ended.abort();
    }
  }

  async #reply(question: QuestionDetailsFragment): Promise<void> {
    // A person may think as long as they like.
    clearTimeout(this.#timer);
    const answer = await this.#decide(question);
    const input = { questionId: question.id, ...answer, requestId: newRequestId() };
    await this.#api.call(AnswerQuestionDocument, { input });
    this.#startClock();
  }

  async #decide(question: QuestionDetailsFragment): Promise<Answer> {
    const paint = painter(this.#cli.terminal.stdout);
    if (this.#answer === undefined && this.#cli.terminal.stdin.isTTY) {
      return promptForAnswer(question, this.#cli.terminal, paint, this.#signal);
    }
    const answer = parseAnswer(this.#answer ?? '1', question) ?? { text: 'yes' };
    const said = answer.choices?.join(', ') ?? answer.text;
    const why = this.#answer === undefined ? 'nobody is at the keyboard' : '--answer was given';
    this.#cli.print(`\n${questionText(question, paint)}`);
    this.#cli.print(`${paint('bold', `The demo answers by itself: ${said}`)} (${why})\n`);
    return answer;
  }

  #startClock(): void {
    this.#timer = setTimeout(() => {
      this.#fail(
        new CommandFailure(
          'TIMED_OUT',
          EXIT.failed,
          `The contract has not ended within ${LIMIT_MS / 1_000} s.`,
        ),
      );
    }, LIMIT_MS);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#ended.abort();
  }
}
