import { mkdir, readdir, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { OutputEntry } from './output.ts';
import { Segment, segmentsAmong } from './spool-segment.ts';

/*
 * The output of one attempt on disk, from before it is sent until the server has it: a directory of segments, each
 * named by the number of its first entry. A segment of which the server has everything is deleted, which takes no
 * space, so a full disk is freed by sending. Written but not synced: it survives a killed daemon, not a power loss
 * of the last seconds.
 */

export interface SpoolOptions {
  readonly dir: string;
  /** Bytes that may wait to be acknowledged before `append` makes its caller wait. */
  readonly limitBytes: number;
  /** What the server has of the attempt: all entries before this number. Default 0. */
  readonly firstIndex?: number;
  /** Told when writing fails (a full disk); it is tried again every second. */
  readonly onWriteError?: (error: unknown) => void;
  /** A segment this long is followed by another. Default 8 MiB. */
  readonly segmentBytes?: number;
}

export interface Batch {
  readonly firstIndex: number;
  readonly entries: OutputEntry[];
}

const READ_BYTES = 512 * 1024;
const SEGMENT_BYTES = 8 * 1024 * 1024;
const RETRY_MS = 1_000;

export class Spool {
  readonly #options: SpoolOptions;
  /** In order. The last one is written to; the first is the one in which the first unacknowledged entry lies. */
  #segments: Segment[];
  /** The first entry that the server does not have, and where it begins in its segment. */
  #acknowledged: { readonly index: number; readonly offset: number };
  #end: number;
  /** Writes, one after the other. Nothing that makes room may wait behind them. */
  #writes: Promise<void> = Promise.resolve();
  #closed = false;
  #watchers: (() => void)[] = [];

  private constructor(options: SpoolOptions, segments: Segment[], firstIndex: number) {
    this.#options = options;
    this.#segments = segments;
    this.#end = segments.at(-1)?.end ?? firstIndex;
    this.#acknowledged = { index: segments[0]?.first ?? firstIndex, offset: 0 };
  }

  /** Opens a spool that a crash may have left, or makes one. */
  static async open(options: SpoolOptions): Promise<Spool> {
    const { dir, firstIndex = 0 } = options;
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const segments: Segment[] = [];
    for (const first of segmentsAmong(await readdir(dir))) segments.push(await Segment.open(dir, first));
    // The server knows more than the disk when a power loss took its end: what comes next goes on with its numbers.
    if ((segments.at(-1)?.end ?? firstIndex) >= firstIndex) return new Spool(options, segments, firstIndex);
    await discard(segments);
    return new Spool(options, [], firstIndex);
  }

  /** How many entries the attempt has so far: the number the next one gets. */
  get count(): number {
    return this.#end;
  }

  /** The number of the first entry that is not acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged.index;
  }

  /** Resolves once the entries are on disk and the backlog is within its limit again. */
  async append(entries: readonly OutputEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const bytes = Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    await this.#inTurn(() => this.#write(bytes, entries.length));
    while (this.#waitingBytes > this.#options.limitBytes && !this.#closed) await this.#change();
  }

  /** Resolves when there is something that is not acknowledged; false: closed. */
  async waitForMore(): Promise<boolean> {
    while (this.#isSent && !this.#closed) await this.#change();
    return !this.#closed;
  }

  /** The next entries to send, at least one when there is any, about 512 KiB at most. */
  async read(maxEntries: number): Promise<Batch> {
    const { index, offset } = this.#acknowledged;
    const lines = (await this.#segments[0]?.lines(offset, READ_BYTES)) ?? [];
    return {
      firstIndex: index,
      entries: lines.slice(0, maxEntries).map((line) => JSON.parse(line) as OutputEntry),
    };
  }

  /**
   * Goes on from this entry: all before it is at the server. Also backwards, when the server lost some.
   * @returns false when the server misses entries that are gone from here
   */
  async acknowledge(nextIndex: number): Promise<boolean> {
    const index = Math.min(nextIndex, this.#end);
    if (index < (this.#segments[0]?.first ?? this.#acknowledged.index)) return false;
    const segment = this.#segments.findLast(({ first }) => first <= index);
    if (segment) await this.#moveTo(segment, index);
    // One that is still being written to is not to be deleted.
    if (this.#isSent) void this.#inTurn(() => this.#beginAnew(nextIndex));
    this.#notify();
    return true;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#notify();
    await this.#writes;
    for (const segment of this.#segments) await segment.close();
  }

  /** Closes and deletes it. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.#options.dir, { recursive: true, force: true });
  }

  async #write(bytes: Buffer, entries: number): Promise<void> {
    while (!this.#closed) {
      try {
        await (await this.#current()).write(bytes, entries);
        this.#end += entries;
        this.#notify();
        return;
      } catch (error) {
        this.#options.onWriteError?.(error);
        // The room that is missing may be what the server has already.
        if (this.#isSent) await this.#dropAll();
        await delay(RETRY_MS);
      }
    }
  }

  /** The segment that is written to: a new one when there is none or it is full. */
  async #current(): Promise<Segment> {
    const last = this.#segments.at(-1);
    if (last && !this.#isFull(last)) return last;
    // Only of the last segment a power loss may take the end: numbers go on without a hole.
    await last?.sync();
    if (this.#isSent) await this.#dropAll();
    const next = await Segment.create(this.#options.dir, this.#end);
    this.#segments.push(next);
    return next;
  }

  #isFull(segment: Segment): boolean {
    return segment.bytes >= (this.#options.segmentBytes ?? SEGMENT_BYTES);
  }

  async #moveTo(segment: Segment, index: number): Promise<void> {
    const { index: known, offset } = this.#acknowledged;
    const isAhead = segment === this.#segments[0] && index >= known;
    const from = isAhead ? { index: known, offset } : { index: segment.first, offset: 0 };
    const further = await segment.distance(from, index);
    const place = this.#segments.indexOf(segment);
    // A write that found all of it sent has dropped it meanwhile.
    if (place === -1) return;
    this.#acknowledged = { index, offset: from.offset + further };
    await discard(this.#segments.splice(0, place));
  }

  async #beginAnew(nextIndex: number): Promise<void> {
    if (!this.#isSent || this.#closed || nextIndex < this.#end) return;
    const last = this.#segments.at(-1);
    // The server knows more than the disk when a power loss took its end: go on with the server's numbers.
    if (nextIndex === this.#end && !(last && this.#isFull(last))) return;
    this.#end = nextIndex;
    await this.#dropAll();
  }

  /** Of entries that are all acknowledged. */
  async #dropAll(): Promise<void> {
    const dropped = this.#segments;
    this.#segments = [];
    this.#acknowledged = { index: this.#end, offset: 0 };
    await discard(dropped);
  }

  get #isSent(): boolean {
    return this.#acknowledged.index >= this.#end;
  }

  get #waitingBytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0) - this.#acknowledged.offset;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#writes.then(work);
    this.#writes = done.catch(() => undefined);
    return done;
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

async function discard(segments: readonly Segment[]): Promise<void> {
  for (const segment of segments) await segment.discard();
}
