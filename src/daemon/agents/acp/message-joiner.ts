import type { OutputEntry } from '../../output.ts';
import { pieces } from './texts.ts';

export interface MessageJoinerOptions {
  readonly append: (entries: OutputEntry[]) => Promise<void>;
  /** Told of a whole message of the agent, or as much of its beginning as a summary needs. */
  readonly onSaid: (text: string) => void;
  /** How long the first part of a message waits for more. Milliseconds. */
  readonly flushMs?: number;
}

/** What one message is made of. */
interface Message {
  readonly type: 'ASSISTANT' | 'THOUGHT';
  /** As the agent names it; null: it does not. */
  readonly agentsId: string | null;
  /** Ours, unlike the agent's never used twice in an attempt. */
  readonly id: string;
  waiting: string;
  isBegun: boolean;
  beginning: string;
}

const FLUSH_MS = 300;
const FLUSH_CHARS = 4 * 1024;
const BEGINNING_CHARS = 8 * 1024;

/**
 * Joins the chunks of messages, of which an agent sends one a token: a few entries a second that share a
 * messageId, the last of them not partial.
 */
export class MessageJoiner {
  readonly #options: MessageJoinerOptions;
  #message: Message | null = null;
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  #writes: Promise<void> = Promise.resolve();

  constructor(options: MessageJoinerOptions) {
    this.#options = options;
  }

  /** Resolves when the agent may be read further. */
  async add(type: Message['type'], agentsId: string | null, text: string): Promise<void> {
    await this.#writes;
    const message = await this.#messageOf(type, agentsId);
    message.waiting += text;
    if (message.beginning.length < BEGINNING_CHARS)
      message.beginning += text.slice(0, BEGINNING_CHARS - message.beginning.length);
    if (message.waiting.length >= FLUSH_CHARS) return this.#flush();
    this.#timer ??= setTimeout(() => void this.#flush(), this.#options.flushMs ?? FLUSH_MS);
  }

  /** The message is over: something else comes after it, or nothing. Resolves when it is stored. */
  async end(): Promise<void> {
    const message = this.#message;
    this.#message = null;
    if (message && (message.isBegun || message.waiting !== '')) {
      if (message.type === 'ASSISTANT' && message.beginning.trim() !== '')
        this.#options.onSaid(message.beginning);
      this.#write(message, true);
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#writes;
  }

  async #messageOf(type: Message['type'], agentsId: string | null): Promise<Message> {
    const current = this.#message;
    const isSame = current?.type === type && (agentsId === null || current.agentsId === agentsId);
    if (current && isSame) return current;
    await this.end();
    this.#count += 1;
    this.#message = {
      type,
      agentsId,
      id: `message-${this.#count}`,
      waiting: '',
      isBegun: false,
      beginning: '',
    };
    return this.#message;
  }

  #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#message && this.#message.waiting !== '') this.#write(this.#message, false);
    return this.#writes;
  }

  /** In order, one after the other, also when a timer and the agent want it at once. */
  #write(message: Message, isLast: boolean): void {
    const parts = pieces(message.waiting);
    message.waiting = '';
    const isAlone = isLast && !message.isBegun && parts.length === 1;
    message.isBegun = true;
    const createdAt = new Date().toISOString();
    const entries = parts.map((content, index): OutputEntry => {
      const entry: OutputEntry = { type: message.type, content, createdAt };
      if (isAlone) return entry;
      return { ...entry, messageId: message.id, isPartial: !isLast || index < parts.length - 1 };
    });
    this.#writes = this.#writes.then(() => this.#options.append(entries));
  }
}
