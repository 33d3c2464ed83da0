import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';

const LINE_FEED = 0x0a;
const NAME = /^(\d{12})\.jsonl$/;

/** One file of a spool: one entry a line, the first of them being the entry of the attempt that its name says. */
export class Segment {
  readonly first: number;
  readonly file: string;
  readonly #handle: FileHandle;
  #count: number;
  #bytes: number;

  private constructor(first: number, file: string, handle: FileHandle, count: number, bytes: number) {
    this.first = first;
    this.file = file;
    this.#handle = handle;
    this.#count = count;
    this.#bytes = bytes;
  }

  static async create(dir: string, first: number): Promise<Segment> {
    const file = join(dir, `${String(first).padStart(12, '0')}.jsonl`);
    // One of that name is of a try that failed before anything was written to it.
    return new Segment(first, file, await open(file, 'w+', 0o600), 0, 0);
  }

  /** Opens one that an earlier process left. A line without its line feed was torn by a crash, and was never sent. */
  static async open(dir: string, first: number): Promise<Segment> {
    const file = join(dir, `${String(first).padStart(12, '0')}.jsonl`);
    const handle = await open(file, 'r+');
    const end = await walk(handle, 0, Number.POSITIVE_INFINITY);
    await handle.truncate(end.offset);
    return new Segment(first, file, handle, end.lines, end.offset);
  }

  /** The number of the entry that would come next. */
  get end(): number {
    return this.first + this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** By position, so that a write that failed half way is overwritten by the next try. */
  async write(bytes: Buffer, entries: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, this.#bytes + done);
      done += bytesWritten;
    }
    this.#bytes += bytes.length;
    this.#count += entries;
  }

  /** The lines from an offset on, as many as are whole in the first `readBytes`, or the first one however long it is. */
  async lines(offset: number, readBytes: number): Promise<string[]> {
    const available = this.#bytes - offset;
    for (let size = readBytes; available > 0; size *= 2) {
      const length = Math.min(size, available);
      const { buffer, bytesRead } = await this.#handle.read(Buffer.alloc(length), 0, length, offset);
      const whole = buffer.subarray(0, bytesRead).lastIndexOf(LINE_FEED) + 1;
      const lines = buffer.toString('utf8', 0, whole).split('\n');
      lines.pop();
      if (lines.length > 0 || length === available) return lines;
    }
    return [];
  }

  /** How many bytes further entry number `to` begins, seen from the beginning of entry number `from`. */
  async distance(from: { index: number; offset: number }, to: number): Promise<number> {
    return (await walk(this.#handle, from.offset, to - from.index)).offset - from.offset;
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  /** Closes and deletes it. */
  async discard(): Promise<void> {
    await this.#handle.close();
    await rm(this.file, { force: true });
  }
}

/** The numbers of the first entries of the segments in a directory. */
export function segmentsAmong(names: readonly string[]): number[] {
  return names.flatMap((name) => Number(NAME.exec(name)?.[1] ?? [])).sort((a, b) => a - b);
}

/** Goes so many lines further from an offset, or to the end of the last whole line. */
async function walk(
  handle: FileHandle,
  from: number,
  count: number,
): Promise<{ lines: number; offset: number }> {
  let lines = 0;
  let offset = from;
  const buffer = Buffer.alloc(64 * 1024);
  for (let at = from; lines < count; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) break;
    for (let found = buffer.indexOf(LINE_FEED); found !== -1 && found < bytesRead && lines < count; ) {
      lines += 1;
      offset = at + found + 1;
      found = buffer.indexOf(LINE_FEED, found + 1);
    }
    at += bytesRead;
  }
  return { lines, offset };
}
