import { type RawBuilder, sql } from 'kysely';

/**
 * A statement that is put together from its texts and its parameters, which may be statements themselves. In a template of
 * Kysely each name, type and list is an object of its own that is made, copied and visited: for what is read with each
 * call that takes longer than to send it.
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
    this.#texts.push(this.#text);
    this.#values.push(value);
    this.#text = '';
    return this;
  }

  end(): RawBuilder<unknown> {
    return stated([...this.#texts, this.#text], this.#values);
  }
}

/** @param texts what stands before, between and behind the parameters: one more than there are of those */
export function stated(texts: readonly string[], values: readonly unknown[]): RawBuilder<unknown> {
  return sql(texts as unknown as TemplateStringsArray, ...values);
}
