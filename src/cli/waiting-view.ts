import type { Cli } from './cli.ts';
import { LiveView } from './live-view.ts';
import { duration, painter } from './style.ts';

const TICK_MS = 1_000;

/** For a person at a terminal who waits: that it goes on, since when, and how many have ended. On stderr. */
export class WaitingView {
  readonly #view: LiveView;
  readonly #cli: Cli;
  readonly #total: number;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout | undefined;
  #ended = 0;

  constructor(cli: Cli, total: number) {
    this.#cli = cli;
    this.#total = total;
    this.#view = new LiveView(cli.terminal.stderr);
    if (!this.#view.isLive || cli.json) return;
    this.#draw();
    this.#timer = setInterval(() => this.#draw(), TICK_MS);
  }

  completed(): void {
    this.#ended += 1;
  }

  print(print: () => void): void {
    if (this.#timer) this.#view.above(print);
    else print();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#view.end();
  }

  #draw(): void {
    const paint = painter(this.#cli.terminal.stderr);
    const since = duration((performance.now() - this.#startedAt) / 1_000);
    this.#view.show([paint('gray', `waiting for ${since}: ${this.#ended} of ${this.#total} ended`)]);
  }
}
