/** A result longer than this is a burden on a model's memory; some clients refuse more than about twice as much. */
export const EXCERPT_CHARS = 20_000;

export interface Excerpt {
  readonly text: string;
  /** Where to go on; null when this was the rest. */
  readonly nextOffset: number | null;
}

/** Part of a long text, from an offset in characters on, with a marker where it is cut. */
export function excerpt(text: string, offset = 0, limit = EXCERPT_CHARS): Excerpt {
  const start = onBoundary(text, Math.min(offset, text.length));
  const end = onBoundary(text, Math.min(start + limit, text.length));
  const part = text.slice(start, end);
  if (end >= text.length) return { text: part, nextOffset: null };
  const marker = `[cut here: ${text.length - end} of ${text.length} characters follow; go on with offset: ${end}]`;
  return { text: `${part}\n${marker}`, nextOffset: end };
}

/** A text cut to a length, with a marker that says how to see more. */
export function shortened(text: string, limit: number, how: string): string {
  if (text.length <= limit) return text;
  const end = onBoundary(text, limit);
  return `${text.slice(0, end)}\n[cut here: ${text.length - end} more characters; ${how}]`;
}

/** Never between the two halves of a character. */
function onBoundary(text: string, index: number): number {
  const before = text.charCodeAt(index - 1);
  return before >= 0xd800 && before <= 0xdbff && index < text.length ? index - 1 : index;
}
