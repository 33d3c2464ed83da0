import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { DomainError, type ErrorCode } from '../platform/errors.ts';
import { documentCost } from './document-cost.ts';
import { nestingRefusal, shapeRefusal } from './document-shape.ts';
import type { DocumentLimits } from './limits.ts';

export type Prepared = { readonly document: DocumentNode } | { readonly errors: readonly GraphQLError[] };

export interface DocumentRules {
  readonly limits: DocumentLimits;
  /** Whether the schema may be asked for, and wrong names are answered with right ones. */
  readonly introspection: boolean;
}

const MAX_DOCUMENTS = 500;
/** Longer ones are not kept: nobody sends them often. Characters. */
const MAX_LENGTH = 32_768;
/** Mistakes that are told of one document. */
const MAX_ERRORS = 20;

/** Documents parsed, measured and validated, those that were used last: clients send the same few again and again. */
export class Documents {
  readonly #schema: GraphQLSchema;
  readonly #rules: DocumentRules;
  readonly #known = new Map<string, DocumentNode>();

  constructor(schema: GraphQLSchema, rules: DocumentRules) {
    this.#schema = schema;
    this.#rules = rules;
  }

  prepare(text: string): Prepared {
    const known = this.#known.get(text);
    if (known) {
      this.#known.delete(text);
      this.#known.set(text, known);
      return { document: known };
    }
    const { limits, introspection } = this.#rules;
    if (text.length > limits.length)
      return tooLarge(`The document has more than ${limits.length} characters.`);
    const nesting = nestingRefusal(text, limits.nesting);
    if (nesting) return tooLarge(nesting);
    let document: DocumentNode;
    try {
      document = parse(text, { maxTokens: limits.tokens });
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      if (/ contains more than \d+ tokens/.test(error.message))
        return tooLarge(`The document has more than ${limits.tokens} tokens.`);
      return { errors: [withCode(error, 'GRAPHQL_PARSE_FAILED')] };
    }
    const refusal = shapeRefusal(document, limits);
    if (refusal) return tooLarge(refusal);
    const rules = introspection ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule];
    const options = { maxErrors: MAX_ERRORS, hideSuggestions: !introspection };
    const errors = validate(this.#schema, document, rules, options);
    if (errors.length > 0)
      return { errors: errors.map((error) => withCode(error, 'GRAPHQL_VALIDATION_FAILED')) };
    if (text.length <= MAX_LENGTH) this.#keep(text, document);
    return { document };
  }

  /** @throws DomainError DOCUMENT_TOO_LARGE when the answer to a valid document would be */
  checkCost(
    document: DocumentNode,
    operationName: string | null | undefined,
    variables: Readonly<Record<string, unknown>> | null | undefined,
  ): void {
    const cost = documentCost(this.#schema, document, operationName, variables);
    if (cost <= this.#rules.limits.cost) return;
    throw new DomainError(
      'DOCUMENT_TOO_LARGE',
      `The answer could have ${cost} values; at most ${this.#rules.limits.cost} are given at once. Ask for smaller pages, or for less inside of lists.`,
    );
  }

  #keep(text: string, document: DocumentNode): void {
    this.#known.set(text, document);
    if (this.#known.size <= MAX_DOCUMENTS) return;
    const [oldest] = this.#known.keys();
    this.#known.delete(oldest as string);
  }
}

function tooLarge(message: string): Prepared {
  return { errors: [new GraphQLError(message, { extensions: { code: 'DOCUMENT_TOO_LARGE' } })] };
}

function withCode(error: GraphQLError, code: ErrorCode): GraphQLError {
  return new GraphQLError(error.message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    extensions: { code },
  });
}
