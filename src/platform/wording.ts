import {
  CompiledQuery,
  isExpression,
  type OperationNode,
  type QueryExecutorProvider,
  type QueryResult,
  type RawBuilder,
  sql,
} from 'kysely';

/**
 * A statement that is put together from its texts and its parameters, which may be statements themselves. In a template of
 * Kysely each name, type, list and value is an object of its own that is made, copied and visited: for what is sent with
 * each call that takes longer than to send it.
 */
export class Wording {
  readonly #texts: string[] = [];
  readonly #values: unknown[] = [];
  #text = '';

  /** @param text SQL as it is: of ours, never of a caller's */
  say(text: string): this {
    this.#text += text;
    return this;
  }

  /** @param value a parameter, or an expression of Kysely */
  give(value: unknown): this {
    if (value instanceof Statement) return this.#take(value);
    this.#texts.push(this.#text);
    this.#values.push(value);
    this.#text = '';
    return this;
  }

  /** What was put together in the same way becomes a part of this. */
  #take({ texts, values }: Statement): this {
    for (const [index, value] of values.entries()) this.say(texts[index] as string).give(value);
    return this.say(texts.at(-1) as string);
  }

  end(): RawBuilder<unknown> {
    return stated([...this.#texts, this.#text], this.#values);
  }
}

/** @param texts what stands before, between and behind the parameters: one more than there are of those */
export function stated(texts: readonly string[], values: readonly unknown[]): RawBuilder<unknown> {
  return new Statement(texts, values) as unknown as RawBuilder<unknown>;
}

/** The same from a template: of ours, never of a caller's, like those of Kysely. */
export function worded(texts: TemplateStringsArray, ...values: readonly unknown[]): RawBuilder<unknown> {
  const wording = new Wording();
  for (const [index, value] of values.entries()) wording.say(texts[index] as string).give(value);
  return wording.say(texts.at(-1) as string).end();
}

/** It is sent as it is, and may stand in a template of Kysely: that part of a `RawBuilder` which we use. */
class Statement {
  readonly texts: readonly string[];
  readonly values: readonly unknown[];
  readonly isRawBuilder = true;
  readonly expressionType = undefined;

  constructor(texts: readonly string[], values: readonly unknown[]) {
    this.texts = texts;
    this.values = values;
  }

  toOperationNode(): OperationNode {
    return this.#template().toOperationNode();
  }

  compile(provider: QueryExecutorProvider): CompiledQuery {
    const { texts, values } = this;
    if (values.some(isExpression)) return this.#template().compile(provider);
    let text = texts[0] as string;
    for (let index = 1; index < texts.length; index += 1) text += `$${index}${texts[index]}`;
    return CompiledQuery.raw(text, values as unknown[]);
  }

  execute(provider: QueryExecutorProvider): Promise<QueryResult<unknown>> {
    return provider.getExecutor().executeQuery(this.compile(provider));
  }

  #template(): RawBuilder<unknown> {
    return sql(this.texts as unknown as TemplateStringsArray, ...this.values);
  }
}

/** Where nothing is to stand. */
export const NOTHING = stated([''], []);
