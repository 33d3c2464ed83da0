import type { Readable, Writable } from 'node:stream';
import type { AnyMessage, Stream } from '@agentclientprotocol/sdk/unstable';
import { drain, isCut, type Reading } from '../child.ts';

/*
 * The line between the daemon and an agent: a JSON message a line, both ways.
 *
 * Updates of a session are taken here and not by the SDK, which neither awaits its handlers nor keeps their
 * order against responses. Taken here, what an agent said before it ended its turn is logged before the turn
 * counts as ended, and an agent whose output cannot be stored is read no further.
 */

export interface WireOptions {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Takes the parameters of a `session/update`; nothing is read before it resolves. */
  readonly onUpdate: (params: unknown) => Promise<void>;
  /** Takes a line that is no message. @throws when there have been too many */
  readonly onNoise: (line: string) => Promise<void>;
}

/** Longest message of an agent, in bytes. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const LINE_FEED = 0x0a;

/** The agent wrote a line of more than MAX_LINE_BYTES. */
export class LineTooLongError extends Error {
  override readonly name = 'LineTooLongError';

  constructor() {
    super(`The agent sent a message of more than ${MAX_LINE_BYTES / 1024 / 1024} MiB.`);
  }
}

export interface Wire {
  readonly stream: Stream;
  /** After the agent's end: resolves when all that it sent was taken; rejects with what was wrong with it. */
  drain(): Promise<void>;
}

/** An agent that is no longer listening gets so long to end before it is read no further. */
const DEAF_MS = 2_000;

export function openWire({ stdin, stdout, onUpdate, onNoise }: WireOptions): Wire {
  const reading: Reading = { lastChunkAt: Date.now(), isHandingOver: false };
  const lines = linesOf(stdout, reading);
  const ended = Promise.withResolvers<void>();
  ended.promise.catch(() => undefined);
  /** Ids of our requests: a response to anything else is noise. */
  const asked = new Set<unknown>();

  const take = async (line: string): Promise<AnyMessage | null> => {
    const message = parse(line);
    if (message === null || (!('method' in message) && !asked.delete(message.id))) {
      if (line.trim() !== '') await onNoise(line);
      return null;
    }
    if (message.method !== 'session/update' || 'id' in message) return message as unknown as AnyMessage;
    await onUpdate(message.params);
    return null;
  };

  const readable = new ReadableStream<AnyMessage>(
    {
      async pull(controller) {
        try {
          for (;;) {
            const { value: line, done } = await lines.next();
            if (done) {
              controller.close();
              return ended.resolve();
            }
            reading.isHandingOver = true;
            const message = await take(line);
            reading.isHandingOver = false;
            if (message) return controller.enqueue(message);
          }
        } catch (error) {
          controller.error(error);
          ended.reject(error);
        }
      },
      cancel: () => ended.resolve(),
    },
    // Nothing is read ahead of who reads.
    { highWaterMark: 0 },
  );
  const writable = new WritableStream<AnyMessage>({
    write: (message) => {
      if ('method' in message && 'id' in message) asked.add(message.id);
      return new Promise((resolve) => {
        stdin.write(`${JSON.stringify(message)}\n`, (error) => {
          // Not an error of the connection, which would end the reading: what it said last is still to come.
          if (error) setTimeout(() => stdout.destroy(), DEAF_MS).unref();
          resolve();
        });
      });
    },
  });
  return {
    stream: { readable, writable },
    drain: () => drain(stdout, ended.promise, reading),
  };
}

function parse(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** @throws LineTooLongError */
async function* linesOf(stream: Readable, reading: Reading): AsyncGenerator<string, undefined, undefined> {
  let pending: Buffer[] = [];
  let length = 0;
  const add = (piece: Buffer) => {
    length += piece.length;
    if (length > MAX_LINE_BYTES) throw new LineTooLongError();
    pending.push(piece);
  };
  const line = () => {
    const text = Buffer.concat(pending).toString('utf8');
    pending = [];
    length = 0;
    return text;
  };
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      reading.lastChunkAt = Date.now();
      let start = 0;
      for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
        add(chunk.subarray(start, end));
        yield line();
        start = end + 1;
      }
      add(chunk.subarray(start));
    }
  } catch (error) {
    if (!isCut(error)) throw error;
  }
  if (length > 0) yield line();
}
