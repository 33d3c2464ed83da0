import { stripVTControlCharacters } from 'node:util';

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const TOKENS = /\u001b\[(\d+)A|\u001b\[0J|\u001b\[[\d;]*m|\r|\n|[^\u001b\r\n]+/g;

/** What a terminal shows after all this was written to it: only the moves that we use are known. */
export function screenOf(written: string): string[] {
  const lines: string[] = [''];
  let row = 0;
  for (const [token, up] of written.matchAll(TOKENS)) {
    if (up) row = Math.max(0, row - Number(up));
    else if (token === '\u001b[0J') lines.length = row;
    else if (token === '\n') row += 1;
    else if (token !== '\r') lines[row] = (lines[row] ?? '') + stripVTControlCharacters(token);
    lines[row] ??= '';
  }
  return lines;
}
