import { expect, it } from 'vitest';
import { asText } from '../../src/daemon/reading.ts';

const utf8 = (content: string) => ({ content, encoding: 'UTF8' });
const base64 = (bytes: Buffer) => ({ content: bytes.toString('base64'), encoding: 'BASE64' });

it.each(['', 'plain', 'ä€😀', '\ufeffwith a mark', '\u0001\u001b[31m'])('%j is text', (text) => {
  expect(asText(Buffer.from(text), false)).toEqual(utf8(text));
});

it.each([[0], [0x61, 0], [0xff], [0xc3], [0x80], [0xed, 0xa0, 0x80], [0xc0, 0x80]])(
  '%j … is no text',
  (...bytes) => {
    expect(asText(Buffer.from(bytes), false)).toEqual(base64(Buffer.from(bytes)));
  },
);

it.each(['ä', '€', '😀'])('half of %s at the cut is left out, at every byte', (character) => {
  const bytes = Buffer.from(`ab${character}`);
  for (let end = 3; end < bytes.length; end += 1)
    expect(asText(bytes.subarray(0, end), true)).toEqual(utf8('ab'));
  expect(asText(bytes, true)).toEqual(utf8(`ab${character}`));
});

it('bytes that are cut stay bytes, all of them', () => {
  const bytes = Buffer.from([0x61, 0xff, 0xc3]);
  expect(asText(bytes, true)).toEqual(base64(bytes));
  const stray = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80]);
  expect(asText(stray, true)).toEqual(base64(stray));
});
