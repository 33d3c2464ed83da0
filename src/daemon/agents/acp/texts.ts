import { isNestedTooDeep, MAX_NESTING } from '../../../platform/nesting.ts';
import type { ContentBlock, ToolCallUpdate, ToolContent } from './update-schema.ts';

/** Longest text of one entry, in UTF-16 units: a longer message is cut into pieces, anything else cut off. */
export const MAX_ENTRY_CHARS = 16 * 1024;
/** Longest result of a tool, in UTF-16 units. */
const MAX_RESULT_CHARS = 100_000;
/** Longest input of a tool as JSON, in UTF-16 units. */
const MAX_INPUT_CHARS = 100_000;
const TOO_DEEP = `It is nested more than ${MAX_NESTING} deep.`;

/** The text cut into pieces, none of them ending in half a character. An empty text is one empty piece. */
export function pieces(text: string, maxChars = MAX_ENTRY_CHARS): string[] {
  const found: string[] = [];
  let rest = text;
  while (rest.length > maxChars) {
    const head = whole(rest.slice(0, maxChars));
    found.push(head);
    rest = rest.slice(head.length);
  }
  found.push(rest);
  return found;
}

/** The text, cut off with a marker that says how much is missing. */
export function shortened(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const head = whole(text.slice(0, maxChars));
  return `${head}\n[${text.length - head.length} more characters are left out here]`;
}

/** Without the first half of a character at its end. */
function whole(text: string): string {
  return text.replace(/[\uD800-\uDBFF]$/, '');
}

/** What a block of content says, in words where it is no text. */
export function textOf(block: ContentBlock): string {
  if ('text' in block) return block.text;
  if ('uri' in block) return block.uri;
  if ('resource' in block) return block.resource.text ?? block.resource.uri;
  return `[${block.type}${block.mimeType ? ` ${block.mimeType}` : ''}]`;
}

/** What a tool call came to. */
export function resultText({ content, rawOutput }: ToolCallUpdate): string {
  const said = (content ?? []).map(toolText).filter((text) => text !== '');
  const text = said.length > 0 ? said.join('\n') : rawText(rawOutput);
  return shortened(text, MAX_RESULT_CHARS);
}

function toolText(content: ToolContent): string {
  if ('content' in content) return textOf(content.content);
  if ('newText' in content) return `${content.path}\n${diffText(content.oldText ?? '', content.newText)}`;
  return '';
}

/** Without the lines that both begin and end with; no more is needed to see what an edit did. */
function diffText(before: string, after: string): string {
  const old = before === '' ? [] : before.split('\n');
  const now = after === '' ? [] : after.split('\n');
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head += 1;
  let tail = 0;
  while (tail < old.length - head && tail < now.length - head && old.at(-1 - tail) === now.at(-1 - tail))
    tail += 1;
  return [
    ...old.slice(head, old.length - tail).map((line) => `-${line}`),
    ...now.slice(head, now.length - tail).map((line) => `+${line}`),
  ].join('\n');
}

function rawText(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (isNestedTooDeep(value)) return TOO_DEEP;
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}

/** What a tool was given, for the log; null when that is not known. */
export function loggedInput({ rawInput, locations }: ToolCallUpdate): unknown {
  if (isBlank(rawInput)) return locations?.length ? { locations } : null;
  if (isNestedTooDeep(rawInput)) return { leftOut: TOO_DEEP };
  const json = JSON.stringify(rawInput);
  return json.length <= MAX_INPUT_CHARS ? rawInput : { leftOut: shortened(json, MAX_INPUT_CHARS) };
}

/** An agent that streams a call's input begins with an empty one. */
export function isBlank(input: unknown): boolean {
  if (input === undefined || input === null) return true;
  return typeof input === 'object' && Object.keys(input).length === 0;
}
