import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { OutputEntry } from './output.ts';

/*
 * The output of one attempt on disk, from before it is sent until the server has it. First line:
 * {"firstIndex":N}; then one entry a line, the first of them being number N of the attempt. A line without
 * its line feed was torn by a crash and was never sent. Written but not synced: it survives a killed daemon,
 * not a power loss of the last seconds.
 */

export interface SpoolOptions {
  readonly file: string;
  /** Bytes that may wait to be acknowledged before `append` makes its caller wait. */
  readonly limitBytes: number;
  /** Number of the first entry, when the file does not exist yet. Default 0. */
  readonly firstIndex?: number;
  /** Told when writing fails (a full disk); it is tried again every second. */
  readonly onWriteError?: (error: unknown) => void;
}

export interface Batch {
  readonly firstIndex: number;
  readonly entries: OutputEntry[];
}

interface Position {
  readonly index: number;
  readonly offset: number;
}

const READ_BYTES = 512 * 1024;
/** A file this long of which all is acknowledged starts anew. */
const RENEW_BYTES = 8 * 1024 * 1024;
const LINE_FEED = 0x0a;

export class Spool {
  readonly #options: SpoolOptions;
  #handle: FileHandle;
  #start: Position;
  /** Up to here the server has it. */
  #acknowledged: Position;
  #end: Position;
  #writes: Promise<void> = Promise.resolve();
  #closed = false;
  #watchers: (() => void)[] = [];

  private constructor(options: SpoolOptions, handle: FileHandle, start: Position, end: Position) {
    this.#options = options;
    this.#handle = handle;
    this.#start = start;
    this.#acknowledged = start;
    this.#end = end;
  }

  /** Opens a spool that a crash may have left, or makes one. */
  static async open(options: SpoolOptions): Promise<Spool> {
    const { file } = options;
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    if ((await stat(file).catch(() => null)) === null) await writeHeader(file, options.firstIndex ?? 0);
    const handle = await open(file, 'r+');
    const head = await handle.read(Buffer.alloc(64), 0, 64, 0);
    const headEnd = head.buffer.subarray(0, head.bytesRead).indexOf(LINE_FEED) + 1;
    const firstIndex = Number(
      (JSON.parse(head.buffer.toString('utf8', 0, headEnd)) as { firstIndex: number }).firstIndex,
    );
    const start = { index: firstIndex, offset: headEnd };
    const end = await walk(handle, start, Number.POSITIVE_INFINITY);
    await handle.truncate(end.offset);
    return new Spool(options, handle, start, end);
  }

  /** How many entries the attempt has so far: the number the next one gets. */
  get count(): number {
    return this.#end.index;
  }

  /** The number of the first entry that is not acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged.index;
  }

  /** Resolves once the entries are on disk and the backlog is within its limit again. */
  async append(entries: readonly OutputEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const bytes = Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    this.#writes = this.#writes.then(() => this.#write(bytes, entries.length));
    await this.#writes;
    while (this.#end.offset - this.#acknowledged.offset > this.#options.limitBytes && !this.#closed)
      await this.#change();
  }

  /** Resolves when there is something that is not acknowledged; false: closed. */
  async waitForMore(): Promise<boolean> {
    while (this.#end.index <= this.#acknowledged.index && !this.#closed) await this.#change();
    return !this.#closed;
  }

  /** The next entries to send, at least one when there is any, about 512 KiB at most. */
  async read(maxEntries: number): Promise<Batch> {
    const { index, offset } = this.#acknowledged;
    const available = this.#end.offset - offset;
    for (let size = READ_BYTES; ; size *= 2) {
      const length = Math.min(size, available);
      const { buffer, bytesRead } = await this.#handle.read(Buffer.alloc(length), 0, length, offset);
      const lines = buffer
        .toString('utf8', 0, buffer.subarray(0, bytesRead).lastIndexOf(LINE_FEED) + 1)
        .split('\n');
      lines.pop();
      // An entry longer than one reading: read more of it.
      if (lines.length === 0 && length < available) continue;
      return {
        firstIndex: index,
        entries: lines.slice(0, maxEntries).map((line) => JSON.parse(line) as OutputEntry),
      };
    }
  }

  /**
   * Goes on from this entry: all before it is at the server. Also backwards, when the server lost some.
   * @returns false when the server misses entries that are gone from here
   */
  async acknowledge(nextIndex: number): Promise<boolean> {
    const target = Math.min(nextIndex, this.#end.index);
    if (target < this.#start.index) return false;
    const from = target >= this.#acknowledged.index ? this.#acknowledged : this.#start;
    this.#acknowledged = await walk(this.#handle, from, target);
    const allSent = this.#acknowledged.index === this.#end.index;
    // The server knows more than this file when a power loss took its end: go on with the server's numbers.
    if (allSent && (this.#end.offset > RENEW_BYTES || nextIndex > this.#end.index)) {
      this.#writes = this.#writes.then(() => this.#renew(nextIndex));
      await this.#writes;
    }
    this.#notify();
    return true;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#notify();
    await this.#writes;
    await this.#handle.close();
  }

  /** Closes and deletes it. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.#options.file, { force: true });
  }

  async #write(bytes: Buffer, entries: number): Promise<void> {
    while (!this.#closed) {
      try {
        // By position, so that a write that failed half way is overwritten by the next try.
        await writeAll(this.#handle, bytes, this.#end.offset);
        break;
      } catch (error) {
        this.#options.onWriteError?.(error);
        await delay(1_000);
      }
    }
    if (this.#closed) return;
    this.#end = { index: this.#end.index + entries, offset: this.#end.offset + bytes.length };
    this.#notify();
  }

  async #renew(nextIndex: number): Promise<void> {
    if (this.#acknowledged.index !== this.#end.index || nextIndex < this.#end.index || this.#closed) return;
    const offset = await writeHeader(this.#options.file, nextIndex);
    const old = this.#handle;
    this.#handle = await open(this.#options.file, 'r+');
    await old.close();
    this.#start = { index: nextIndex, offset };
    this.#acknowledged = this.#start;
    this.#end = this.#start;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#watchers.push(resolve));
  }

  #notify(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher();
  }
}

/** By rename, so that there is never a spool without its header. @returns its length */
async function writeHeader(file: string, firstIndex: number): Promise<number> {
  const header = Buffer.from(`${JSON.stringify({ firstIndex })}\n`);
  const handle = await open(`${file}.new`, 'w', 0o600);
  try {
    await writeAll(handle, header, 0);
  } finally {
    await handle.close();
  }
  await rename(`${file}.new`, file);
  return header.length;
}

async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

/** Where entry number `toIndex` begins, or the end of the last whole line. */
async function walk(handle: FileHandle, from: Position, toIndex: number): Promise<Position> {
  let { index, offset } = from;
  const buffer = Buffer.alloc(64 * 1024);
  for (let at = offset; index < toIndex; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) break;
    for (let found = buffer.indexOf(LINE_FEED); found !== -1 && found < bytesRead && index < toIndex; ) {
      index += 1;
      offset = at + found + 1;
      found = buffer.indexOf(LINE_FEED, found + 1);
    }
    at += bytesRead;
  }
  return { index, offset };
}
