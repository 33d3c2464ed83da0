import { type DocumentNode, type FragmentDefinitionNode, Kind, type SelectionSetNode } from 'graphql';
import type { DocumentLimits } from './limits.ts';

/**
 * Looks at a text before it is parsed: brackets in each other, of selections, values and types, cost the parser and
 * whoever comes after it a call each. Those in strings and comments mean nothing.
 */
export function nestingRefusal(text: string, limit: number): string | null {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '{' || character === '(' || character === '[') depth += 1;
    else if (character === '}' || character === ')' || character === ']') depth -= 1;
    else if (character === '"') at = endOfString(text, at);
    else if (character === '#') at = endOfLine(text, at);
    if (depth > limit) return tooMany('brackets in each other', limit);
  }
  return null;
}

/** Where the string ends that begins here, or the text, which then does not parse. */
function endOfString(text: string, start: number): number {
  const isBlock = text.startsWith('"""', start);
  for (let at = start + (isBlock ? 3 : 1); at < text.length; at += 1) {
    if (isBlock && text.startsWith('\\"""', at)) at += 3;
    else if (isBlock && text.startsWith('"""', at)) return at + 2;
    else if (!isBlock && text[at] === '\\') at += 1;
    else if (!isBlock && text[at] === '"') return at;
  }
  return text.length;
}

function endOfLine(text: string, start: number): number {
  for (let at = start; at < text.length; at += 1) if (text[at] === '\n' || text[at] === '\r') return at;
  return text.length;
}

/** What is asked for below one selection set, fragments counted wherever they are used. */
interface Shape {
  readonly depth: number;
  /** Fields side by side. */
  readonly breadth: number;
  readonly fields: number;
  readonly aliases: number;
}

const NOTHING: Shape = { depth: 0, breadth: 0, fields: 0, aliases: 0 };

/**
 * Looks at a document before anything else does, since validating one that was made to be costly is costly itself. Each
 * fragment is measured once, so a document takes as long as it has characters, whatever it would expand to.
 * @returns what is wrong, in words; null when nothing is
 */
export function shapeRefusal(document: DocumentNode, limits: DocumentLimits): string | null {
  const measuring = new Measuring(document, limits);
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION && definition.kind !== Kind.FRAGMENT_DEFINITION)
      continue;
    if ((definition.directives?.length ?? 0) > limits.directives)
      return tooMany('directives', limits.directives);
    const shape = measuring.measure(definition.selectionSet, 0);
    if (measuring.refusal) return measuring.refusal;
    for (const part of ['depth', 'fields', 'aliases'] as const)
      if (shape[part] > limits[part]) return tooMany(WORDS[part], limits[part]);
  }
  return null;
}

const WORDS = { depth: 'levels', fields: 'fields', aliases: 'aliases' };

function tooMany(what: string, limit: number): string {
  return `The document has more than ${limit} ${what}. Ask for less at once.`;
}

class Measuring {
  refusal: string | null = null;
  readonly #limits: DocumentLimits;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  /** null while a fragment is being measured: whoever meets it again went in a circle. */
  readonly #shapes = new Map<string, Shape | null>();

  constructor(document: DocumentNode, limits: DocumentLimits) {
    this.#limits = limits;
    for (const definition of document.definitions)
      if (definition.kind === Kind.FRAGMENT_DEFINITION)
        this.#fragments.set(definition.name.value, definition);
  }

  measure(set: SelectionSetNode, level: number): Shape {
    const { breadth: widest, directives, depth: deepest } = this.#limits;
    // Inline fragments and spreads add no field, and could be nested until the stack ends.
    if (level > deepest * 4) return this.#refuse(tooMany('levels', deepest));
    if (set.selections.length > widest) return this.#refuse(tooMany('fields side by side', widest));
    let [depth, breadth, fields, aliases] = [0, 0, 0, 0];
    for (const selection of set.selections) {
      if ((selection.directives?.length ?? 0) > directives)
        return this.#refuse(tooMany('directives at one place', directives));
      if (selection.kind === Kind.FIELD) {
        const below = selection.selectionSet ? this.measure(selection.selectionSet, level + 1) : NOTHING;
        depth = Math.max(depth, 1 + below.depth);
        breadth += 1;
        fields += 1 + below.fields;
        aliases += (selection.alias ? 1 : 0) + below.aliases;
      } else {
        const inside =
          selection.kind === Kind.INLINE_FRAGMENT
            ? this.measure(selection.selectionSet, level + 1)
            : this.#fragment(selection.name.value, level + 1);
        depth = Math.max(depth, inside.depth);
        breadth += inside.breadth;
        fields += inside.fields;
        aliases += inside.aliases;
      }
      if (this.refusal) return NOTHING;
    }
    return breadth > widest
      ? this.#refuse(tooMany('fields side by side', widest))
      : { depth, breadth, fields, aliases };
  }

  #fragment(name: string, level: number): Shape {
    const known = this.#shapes.get(name);
    if (known) return known;
    if (known === null) return this.#refuse(`The fragment ${name} contains itself.`);
    const fragment = this.#fragments.get(name);
    // That there is none is said by validation.
    if (!fragment) return NOTHING;
    this.#shapes.set(name, null);
    const shape = this.measure(fragment.selectionSet, level);
    this.#shapes.set(name, shape);
    return shape;
  }

  #refuse(why: string): Shape {
    this.refusal ??= why;
    return NOTHING;
  }
}
