import { ContractTreeDocument } from '../client/generated/graphql.ts';
import type { Api } from './api.ts';
import type { Cli } from './cli.ts';
import { progressLines, type Tree } from './contract-progress.ts';
import { LiveView } from './live-view.ts';
import { painter } from './style.ts';
import type { LogEvent } from './task-log.ts';

/** How often the lines are drawn anew, for the seconds to pass. Milliseconds. */
const TICK_MS = 1_000;
/** How old what they say may be while things happen. Milliseconds. */
const STALE_MS = 2_000;

/** What stands below the log of a contract at a terminal: asked anew when something has happened. */
export class ContractWatch {
  readonly #api: Api;
  readonly #contractId: string;
  readonly #view: LiveView;
  readonly #cli: Cli;
  readonly #questions = new Set<string>();
  #tree: Tree;
  #askedAt = performance.now();
  #isStale = false;
  #isAsking = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(cli: Cli, api: Api, tree: Tree) {
    this.#cli = cli;
    this.#api = api;
    this.#tree = tree;
    this.#contractId = tree.contract.id;
    this.#view = new LiveView(cli.terminal.stdout);
  }

  start(): void {
    if (!this.#view.isLive || this.#cli.json) return;
    this.#draw();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  /** Prints what an event adds to the log. */
  tell(event: LogEvent, lines: readonly string[]): void {
    this.#isStale = true;
    if (event.__typename === 'QuestionEvent') {
      if (event.type === 'QUESTION_ASKED') this.#questions.add(event.question.id);
      else this.#questions.delete(event.question.id);
    }
    this.print(() => {
      for (const line of lines) this.#cli.print(line);
    });
  }

  /** Has something printed, above the lines where there are any. */
  print(print: () => void): void {
    if (this.#timer) this.#view.above(print);
    else print();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#view.end();
  }

  #tick(): void {
    this.#draw();
    const age = performance.now() - this.#askedAt;
    if (this.#isStale && !this.#isAsking && age > STALE_MS) void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    this.#isStale = false;
    try {
      const { contractTree } = await this.#api.client.request(ContractTreeDocument, {
        contractId: this.#contractId,
      });
      this.#tree = contractTree;
      this.#askedAt = performance.now();
      if (this.#timer) this.#draw();
    } catch {
      // The log says when the connection is cut, and goes on; so do the lines.
      this.#isStale = true;
    } finally {
      this.#isAsking = false;
    }
  }

  #draw(): void {
    const secondsSince = (performance.now() - this.#askedAt) / 1_000;
    const paint = painter(this.#cli.terminal.stdout);
    this.#view.show(progressLines(this.#tree, { secondsSince, questions: [...this.#questions], paint }));
  }
}
