import { type DocumentNode, GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import type { ErrorCode } from '../platform/errors.ts';

export type Prepared = { readonly document: DocumentNode } | { readonly errors: readonly GraphQLError[] };

const MAX_DOCUMENTS = 500;
/** Longer ones are not kept: nobody sends them often. Characters. */
const MAX_LENGTH = 32_768;

/** Documents parsed and validated, those that were used last: clients send the same few again and again. */
export class Documents {
  readonly #schema: GraphQLSchema;
  readonly #known = new Map<string, DocumentNode>();

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
  }

  prepare(text: string): Prepared {
    const known = this.#known.get(text);
    if (known) {
      this.#known.delete(text);
      this.#known.set(text, known);
      return { document: known };
    }
    let document: DocumentNode;
    try {
      document = parse(text);
    } catch (error) {
      return { errors: [withCode(error as GraphQLError, 'GRAPHQL_PARSE_FAILED')] };
    }
    const errors = validate(this.#schema, document);
    if (errors.length > 0)
      return { errors: errors.map((error) => withCode(error, 'GRAPHQL_VALIDATION_FAILED')) };
    if (text.length <= MAX_LENGTH) this.#keep(text, document);
    return { document };
  }

  #keep(text: string, document: DocumentNode): void {
    this.#known.set(text, document);
    if (this.#known.size <= MAX_DOCUMENTS) return;
    const [oldest] = this.#known.keys();
    this.#known.delete(oldest as string);
  }
}

function withCode(error: GraphQLError, code: ErrorCode): GraphQLError {
  return new GraphQLError(error.message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    extensions: { code },
  });
}
