import { stripVTControlCharacters } from 'node:util';

/** Lines with their columns aligned, two spaces apart. Colours do not count as width. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, width(cell));
    });
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) => padded(cell, widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `name  value` lines, leaving out what is not set. */
export function fields(pairs: readonly (readonly [string, string | null | undefined])[]): string {
  return table(pairs.filter((pair): pair is readonly [string, string] => Boolean(pair[1])));
}

export function padded(text: string, to: number): string {
  return text + ' '.repeat(Math.max(0, to - width(text)));
}

function width(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}
