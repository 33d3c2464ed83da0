import type { SpawnTaskPayload } from '../../../platform/protocol.ts';
import type { OutputEntry } from '../../output.ts';

type Told = SpawnTaskPayload['conversation'];

/** What a new session is told at most, in characters. */
const MAX_CHARS = 200_000;

/** What was said with an agent, as it is told to a session that knows nothing of it: the latest of it that fits. */
export class Transcript {
  readonly #turns: Told;
  #chars = 0;
  #isCut = false;
  /** The message of which more may come. */
  #open: string | null = null;

  constructor(before: Told) {
    this.#turns = [];
    for (const { role, content } of before) this.#add(role, content);
  }

  take(entries: readonly OutputEntry[]): void {
    for (const { type, content, messageId, isPartial } of entries) {
      if (type !== 'ASSISTANT' && type !== 'USER') continue;
      const last = this.#turns.at(-1);
      if (messageId && messageId === this.#open && last) {
        last.content += content;
        this.#chars += content.length;
      } else this.#add(type, content);
      this.#open = isPartial ? (messageId ?? null) : null;
    }
    this.#cut();
  }

  told(): Told {
    if (!this.#isCut) return [...this.#turns];
    return [{ role: 'SYSTEM', content: 'Earlier messages are left out here.' }, ...this.#turns];
  }

  #add(role: Told[number]['role'], content: string): void {
    this.#turns.push({ role, content });
    this.#chars += content.length;
    this.#cut();
  }

  #cut(): void {
    while (this.#chars > MAX_CHARS && this.#turns.length > 1) {
      this.#chars -= this.#turns.shift()?.content.length ?? 0;
      this.#isCut = true;
    }
    const [only] = this.#turns;
    if (only && only.content.length > MAX_CHARS) {
      only.content = only.content.slice(-MAX_CHARS);
      this.#chars = MAX_CHARS;
      this.#isCut = true;
    }
  }
}
