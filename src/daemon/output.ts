import type { OutputEntryInput } from '../client/generated/graphql.ts';

/** An entry of a task's output as the server takes it. */
export type OutputEntry = OutputEntryInput;

/** Longest piece of a line in one entry, in bytes of UTF-8. */
export const MAX_PIECE_BYTES = 64 * 1024;

/**
 * Makes output entries of the bytes of one stream.
 *
 * One entry a line, without its line feed or CR LF. A line over 64 KiB is cut into pieces that share a
 * messageId, `isPartial` on all but the last. Bytes that are no UTF-8, and NUL, which PostgreSQL's text
 * cannot hold, become U+FFFD.
 */
export class LineSplitter {
  readonly #type: 'STDOUT' | 'STDERR';
  readonly #now: () => Date;
  // A byte order mark is output like any other.
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  #rest = '';
  #lineNumber = 1;
  #isCut = false;

  constructor(type: 'STDOUT' | 'STDERR', now: () => Date = () => new Date()) {
    this.#type = type;
    this.#now = now;
  }

  /** The entries that this chunk completes. */
  push(chunk: Uint8Array): OutputEntry[] {
    return this.#split(this.#decoder.decode(chunk, { stream: true }));
  }

  /** The last line, when it had no line feed. */
  end(): OutputEntry[] {
    const entries = this.#split(this.#decoder.decode());
    if (this.#rest !== '' || this.#isCut) entries.push(...this.#line(this.#rest));
    this.#rest = '';
    return entries;
  }

  #split(text: string): OutputEntry[] {
    const parts = (this.#rest + text.replaceAll('\0', '\uFFFD')).split('\n');
    const unfinished = parts.pop() ?? '';
    const entries = parts.flatMap((part) => this.#line(part.endsWith('\r') ? part.slice(0, -1) : part));
    const { pieces, rest } = this.#cutPieces(unfinished);
    this.#rest = rest;
    return [...entries, ...pieces];
  }

  #line(line: string): OutputEntry[] {
    const { pieces, rest } = this.#cutPieces(line);
    const last = this.#entry(rest, false);
    this.#lineNumber += 1;
    this.#isCut = false;
    return [...pieces, last];
  }

  #cutPieces(line: string): { pieces: OutputEntry[]; rest: string } {
    // At most three bytes a UTF-16 unit: the usual short line is not encoded at all.
    if (line.length * 3 <= MAX_PIECE_BYTES || Buffer.byteLength(line) <= MAX_PIECE_BYTES)
      return { pieces: [], rest: line };
    const bytes = Buffer.from(line);
    const pieces: OutputEntry[] = [];
    let start = 0;
    while (bytes.length - start > MAX_PIECE_BYTES) {
      let end = start + MAX_PIECE_BYTES;
      // Not between the bytes of one character.
      while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
      this.#isCut = true;
      pieces.push(this.#entry(bytes.toString('utf8', start, end), true));
      start = end;
    }
    return { pieces, rest: bytes.toString('utf8', start) };
  }

  #entry(content: string, isPartial: boolean): OutputEntry {
    const entry: OutputEntry = { type: this.#type, content, createdAt: this.#now().toISOString() };
    if (!this.#isCut) return entry;
    return { ...entry, messageId: `${this.#type.toLowerCase()}-${this.#lineNumber}`, isPartial };
  }
}

/** A line as a summary: its first 2,000 characters, none cut in half. */
export function summaryOf(line: string): string {
  return line
    .trim()
    .slice(0, 2_000)
    .replace(/[\uD800-\uDBFF]$/, '');
}
