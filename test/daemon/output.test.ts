import { describe, expect, it } from 'vitest';
import { LineSplitter, MAX_PIECE_BYTES, summaryOf } from '../../src/daemon/output.ts';

function contents(chunks: (string | Uint8Array)[]): string[] {
  const splitter = new LineSplitter('STDOUT');
  const entries = chunks.flatMap((chunk) => splitter.push(Buffer.from(chunk as string)));
  return [...entries, ...splitter.end()].map(({ content }) => content);
}

describe('output of an agent', () => {
  it('is one entry a line, blank ones included, without line feed or CR LF', () => {
    expect(contents(['one\ntw', 'o\r\n\nfour\r', '\n'])).toEqual(['one', 'two', '', 'four']);
  });

  it('keeps a last line without line feed, and makes no entry of nothing', () => {
    expect(contents(['a\nb'])).toEqual(['a', 'b']);
    expect(contents(['a\n'])).toEqual(['a']);
    expect(contents([])).toEqual([]);
  });

  it('keeps a carriage return that is not part of a line end', () => {
    expect(contents(['10%\r20%\n'])).toEqual(['10%\r20%']);
  });

  it('decodes characters that come in pieces, byte by byte', () => {
    const text = '\uFEFFgrüße 😀 漢字';
    expect(contents([...Buffer.from(`${text}\n`)].map((byte) => Uint8Array.of(byte)))).toEqual([text]);
  });

  it('shows invalid UTF-8 and NUL as U+FFFD', () => {
    expect(contents([Uint8Array.of(0x61, 0xff, 0x00, 0x62, 0x0a, 0xe6, 0xbc)])).toEqual([
      'a\uFFFD\uFFFDb',
      '\uFFFD',
    ]);
  });

  it('cuts a line of 300 KiB into pieces of one message, never inside a character', () => {
    const line = 'ü😀x'.repeat(43_900);
    const splitter = new LineSplitter('STDERR');
    const bytes = Buffer.from(`before\n${line}\nafter\n`);
    const entries = [];
    for (let at = 0; at < bytes.length; at += 10_007)
      entries.push(...splitter.push(bytes.subarray(at, at + 10_007)));
    const pieces = entries.slice(1, -1);
    expect(pieces.length).toBe(Math.ceil(Buffer.byteLength(line) / MAX_PIECE_BYTES));
    expect(pieces.map(({ content }) => content).join('')).toBe(line);
    expect(Math.max(...pieces.map(({ content }) => Buffer.byteLength(content)))).toBeLessThanOrEqual(
      MAX_PIECE_BYTES,
    );
    expect(new Set(pieces.map(({ messageId }) => messageId))).toEqual(new Set(['stderr-2']));
    expect(pieces.map(({ isPartial }) => isPartial)).toEqual([...pieces.slice(1).map(() => true), false]);
    expect(entries.at(-1)).toEqual({ type: 'STDERR', content: 'after', createdAt: expect.any(String) });
  });

  it('cuts the same whether a line comes at once or in pieces, and ends one that has no line feed', () => {
    const line = 'y'.repeat(200_000);
    const expected = ['y'.repeat(65_536), 'y'.repeat(65_536), 'y'.repeat(65_536), 'y'.repeat(3_392)];
    expect(contents([line])).toEqual(expected);
    expect(contents([`${line}\n`])).toEqual(expected);
    expect(contents([line.slice(0, 70_000), `${line.slice(70_000)}\n`])).toEqual(expected);
  });

  it('leaves a line of exactly 64 KiB whole', () => {
    const [entry, ...others] = new LineSplitter('STDOUT').push(Buffer.from(`${'z'.repeat(65_536)}\n`));
    expect(others).toEqual([]);
    expect(entry?.isPartial).toBeUndefined();
  });

  it('makes a summary of at most 2,000 characters that is well-formed', () => {
    expect(summaryOf(`${'a'.repeat(1_999)}😀`)).toBe('a'.repeat(1_999));
    expect(summaryOf('  done  ')).toBe('done');
  });
});
