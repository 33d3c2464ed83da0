import type { Data } from './tool.ts';

/*
 * A result as text and as structured content. Some clients show a model only the one, some only the other: both say
 * everything. Text leaves code and diffs as they are, which JSON would not.
 */

/** Without what is null or undefined, at any depth: a model is not to read what says nothing. */
export function compact(data: Data): Record<string, unknown> {
  return clean(data) as Record<string, unknown>;
}

function clean(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== null && field !== undefined);
  return Object.fromEntries(fields.map(([name, field]) => [name, clean(field)]));
}

/** `name: value` lines; lists below their name; texts of several lines last, as they are, each below its name. */
export function render(data: Record<string, unknown>): string {
  const entries = Object.entries(data);
  const texts = entries.filter((entry): entry is [string, string] => isLong(entry[1]));
  const rest = entries.filter(([, value]) => !isLong(value));
  const lines = rest.flatMap(([name, value]) => linesOf(name, value));
  const blocks = texts.map(([name, text]) => `--- ${name} ---\n${text}`);
  return [lines.join('\n'), ...blocks].filter((part) => part !== '').join('\n\n');
}

function isLong(value: unknown): boolean {
  return typeof value === 'string' && value.includes('\n');
}

function linesOf(name: string, value: unknown): string[] {
  if (Array.isArray(value)) {
    if (value.length === 0) return [`${name}: none`];
    return [`${name}:`, ...value.flatMap(itemLines)];
  }
  if (typeof value === 'object' && value !== null) {
    return [`${name}:`, ...Object.entries(value).flatMap(([key, field]) => indented(linesOf(key, field)))];
  }
  const text = String(value);
  return isLong(text) ? [`${name}:`, ...indented(text.split('\n'))] : [`${name}: ${text}`];
}

function itemLines(item: unknown): string[] {
  if (typeof item !== 'object' || item === null) {
    const [first = '', ...more] = String(item).split('\n');
    return [`- ${first}`, ...indented(more)];
  }
  const [first = '', ...more] = Object.entries(item).flatMap(([key, field]) => linesOf(key, field));
  return [`- ${first}`, ...indented(more)];
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
