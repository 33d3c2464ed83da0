import { stripVTControlCharacters } from 'node:util';
import type { Screen } from './cli.ts';

const UP = (lines: number) => `\u001b[${lines}A`;
const CLEAR_BELOW = '\u001b[0J';

/**
 * A few lines that stay below what is printed and change in place. Only for a terminal: anywhere else there is nothing
 * to see, and what is printed goes out as it is.
 */
export class LiveView {
  readonly #screen: Screen;
  #shown = 0;
  #lines: readonly string[] = [];

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  get isLive(): boolean {
    return this.#screen.isTTY === true;
  }

  /** Shows these lines from now on. */
  show(lines: readonly string[]): void {
    if (!this.isLive) return;
    const width = (this.#screen.columns ?? 80) - 1;
    this.#lines = lines.map((line) => fitted(line, width));
    this.#write('');
  }

  /** Has something printed above the lines, to this screen or another on the same terminal. */
  above(print: () => void): void {
    if (this.#shown > 0) this.#screen.write(this.#erased());
    print();
    if (this.isLive) this.#write('');
  }

  /** Takes the lines away. */
  end(): void {
    this.#lines = [];
    if (this.#shown > 0) this.#screen.write(this.#erased());
  }

  #write(text: string): void {
    const below = this.#lines.map((line) => `${line}\n`).join('');
    const before = this.#shown > 0 ? this.#erased() : '';
    this.#screen.write(`${before}${text}${below}`);
    this.#shown = this.#lines.length;
  }

  #erased(): string {
    const shown = this.#shown;
    this.#shown = 0;
    return `${UP(shown)}\r${CLEAR_BELOW}`;
  }
}

/** A line that wrapped would be two, and the next erasing would leave one. Too long, it loses its colours as well. */
function fitted(line: string, width: number): string {
  const plain = stripVTControlCharacters(line);
  const characters = [...plain];
  return characters.length <= width ? line : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}
