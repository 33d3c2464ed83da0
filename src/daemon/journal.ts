import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/*
 * What became of each command, on disk before it happens:
 *
 *   received  it came; nothing was done yet
 *   accepted  the server knows that we have it; from here on it may have been executed, whole or in part
 *   finished  executed, with the answer; the server may not have it yet
 *   answered  the server has the answer, or the command was refused or withdrawn
 *
 * One JSON line each, appended. A torn last line is of a step that had not happened yet as far as anybody was
 * told.
 */

export interface CommandOutcome {
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

export type CommandState = 'received' | 'accepted' | 'finished' | 'answered';

export interface JournalEntry {
  readonly id: string;
  readonly state: CommandState;
  readonly type: string;
  readonly taskId: string | null;
  readonly attempt: number | null;
  /** Milliseconds since 1970 of the last change. */
  readonly at: number;
  readonly outcome?: CommandOutcome;
}

const KEEP_MS = 24 * 60 * 60 * 1_000;
const KEEP_ANSWERED = 1_000;
const COMPACT_BYTES = 8 * 1024 * 1024;
const RETRY_MS = 1_000;
/** An answer longer than this is not kept once the server has it. */
const KEEP_OUTCOME_BYTES = 64 * 1024;

export interface JournalOptions {
  /** Milliseconds since 1970. */
  readonly now?: number;
  /** Told when writing fails (a full disk); it is tried again every second, and nothing is done meanwhile. */
  readonly onWriteError?: (error: unknown) => void;
}

export class Journal {
  readonly #file: string;
  readonly #onWriteError: (error: unknown) => void;
  #handle: FileHandle;
  #entries: Map<string, JournalEntry>;
  /** What is safe in the file. */
  #bytes: number;
  #compactAt = COMPACT_BYTES;
  #pending: JournalEntry[] = [];
  #writing: Promise<void> | undefined;
  #closed = false;

  private constructor(
    file: string,
    { handle, bytes }: Written,
    entries: Map<string, JournalEntry>,
    onWriteError: (error: unknown) => void,
  ) {
    this.#file = file;
    this.#handle = handle;
    this.#bytes = bytes;
    this.#entries = entries;
    this.#onWriteError = onWriteError;
  }

  /** Reads what is there, and writes it anew without what nobody will ask for again. */
  static async open(file: string, options: JournalOptions = {}): Promise<Journal> {
    const { now = Date.now(), onWriteError = () => undefined } = options;
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const entries = prune(parse(await readFile(file, 'utf8').catch(() => '')), now);
    return new Journal(file, await rewrite(file, entries), entries, onWriteError);
  }

  get(id: string): JournalEntry | undefined {
    return this.#entries.get(id);
  }

  /** Commands that are not answered, in the order they came. */
  open(): JournalEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.state !== 'answered');
  }

  /** Resolves once it is safe on disk. Many at once share one write. */
  async record(entry: Omit<JournalEntry, 'at'>): Promise<void> {
    const { outcome, ...rest } = entry;
    const isKept =
      outcome && (entry.state !== 'answered' || JSON.stringify(outcome).length <= KEEP_OUTCOME_BYTES);
    const full: JournalEntry = { ...rest, at: Date.now(), ...(isKept ? { outcome } : {}) };
    this.#entries.set(entry.id, full);
    this.#pending.push(full);
    // One that is already writing does not take it along: wait for it, then for the next.
    await this.#writing?.catch(() => undefined);
    this.#writing ??= this.#flush().finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing?.catch(() => undefined);
    await this.#handle.close();
  }

  async #flush(): Promise<void> {
    const batch = this.#pending;
    this.#pending = [];
    if (batch.length === 0) return;
    const lines = Buffer.from(batch.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    for (;;) {
      try {
        return await this.#write(lines);
      } catch (error) {
        if (this.#closed) throw error;
        this.#onWriteError(error);
        await delay(RETRY_MS);
      }
    }
  }

  async #write(lines: Buffer): Promise<void> {
    if (this.#bytes + lines.length > this.#compactAt) {
      // The entries of the batch are in the map already.
      this.#entries = prune(this.#entries, Date.now());
      const old = this.#handle;
      const written = await rewrite(this.#file, this.#entries);
      this.#handle = written.handle;
      this.#bytes = written.bytes;
      // What is kept may itself be long; then it is not written anew each time.
      this.#compactAt = Math.max(COMPACT_BYTES, 2 * this.#bytes);
      await old.close();
      return;
    }
    // By position, so that a write that failed half way is overwritten by the next try.
    for (let done = 0; done < lines.length; ) {
      const { bytesWritten } = await this.#handle.write(lines, done, lines.length - done, this.#bytes + done);
      done += bytesWritten;
    }
    await this.#handle.datasync();
    this.#bytes += lines.length;
  }
}

function parse(text: string): Map<string, JournalEntry> {
  const entries = new Map<string, JournalEntry>();
  const lines = text.split('\n');
  // What follows the last line feed was torn.
  lines.pop();
  for (const line of lines) {
    try {
      const entry = JSON.parse(line) as JournalEntry;
      entries.set(entry.id, entry);
    } catch {
      // A hole that a power loss left in the middle. Its command comes again and is answered from the
      // server's side.
    }
  }
  return entries;
}

function prune(entries: Map<string, JournalEntry>, now: number): Map<string, JournalEntry> {
  const answered = [...entries.values()]
    .filter((entry) => entry.state === 'answered')
    .sort((a, b) => b.at - a.at);
  const drop = new Set(
    answered.filter((entry, place) => place >= KEEP_ANSWERED || now - entry.at > KEEP_MS).map(({ id }) => id),
  );
  return new Map([...entries].filter(([id]) => !drop.has(id)));
}

interface Written {
  readonly handle: FileHandle;
  readonly bytes: number;
}

async function rewrite(file: string, entries: Map<string, JournalEntry>): Promise<Written> {
  const handle = await open(`${file}.new`, 'w', 0o600);
  const text = Buffer.from([...entries.values()].map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  try {
    await handle.writeFile(text);
    await handle.sync();
    await rename(`${file}.new`, file);
  } catch (error) {
    await handle.close();
    await rm(`${file}.new`, { force: true });
    throw error;
  }
  // Without it a power loss may bring the old file back, in which all that matters is as well.
  const directory = await open(dirname(file), 'r');
  await directory.sync().finally(() => directory.close());
  return { handle, bytes: text.length };
}
