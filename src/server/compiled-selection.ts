import {
  type FieldNode,
  type GraphQLAbstractType,
  type GraphQLDirective,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  GraphQLSkipDirective,
  getArgumentValues,
  getDirectiveValues,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  TypeNameMetaFieldDef,
  type ValidatedSubscriptionArgs,
} from 'graphql';
import type { Context } from '../graphql/context.ts';

/** The JSON of a value; undefined where it takes graphql-js to say what comes of it. */
type Write = (value: unknown, context: Context) => string | undefined;

interface Field {
  /** The JSON from the value before it. */
  readonly before: string;
  readonly write: Write;
}

/**
 * A selection that is gone through once, not with each event: https://spec.graphql.org/September2025/#sec-Execution for
 * resolvers that answer at once and without an error. Whatever else happens (something has to be loaded, a resolver
 * throws, a value does not fit its type) is left to graphql-js, which then executes that event from the beginning.
 */
export class CompiledSelection {
  readonly #args: ValidatedSubscriptionArgs;
  /** null: there is something in it that only graphql-js can do. */
  #root: Write | null;

  constructor(args: ValidatedSubscriptionArgs) {
    this.#args = args;
    const { schema, operation } = args;
    const type = schema.getRootType(operation.operation);
    this.#root = type ? this.#object(type, [operation.selectionSet]) : null;
  }

  /** The JSON of the data for an event, or null when graphql-js has to execute it. */
  json(event: unknown, context: Context): string | null {
    try {
      return this.#root?.(event, context) ?? null;
    } catch (error) {
      if (error instanceof OnlyGraphqlJs) this.#root = null;
      return null;
    }
  }

  #object(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): Write {
    // With the first value: a selection that is spread again and again is gone through as far as values go, no further.
    let fields: Field[] | undefined;
    return (source, context) => {
      fields ??= [...this.#collect(type, sets)].map(([key, nodes], index) =>
        this.#field(type, nodes, `${index === 0 ? '' : ','}${JSON.stringify(key)}:`),
      );
      if (type.isTypeOf && type.isTypeOf(source, context, NO_INFO) !== true) return undefined;
      let json = '{';
      for (const { before, write } of fields) {
        const text = write(source, context);
        if (text === undefined) return undefined;
        json += before;
        json += text;
      }
      return `${json}}`;
    };
  }

  /** Fields by the names that they have in the answer, in their order. */
  #collect(type: GraphQLObjectType, sets: readonly SelectionSetNode[]): Map<string, FieldNode[]> {
    const fields = new Map<string, FieldNode[]>();
    const spread = new Set<string>();
    const visit = ({ selections }: SelectionSetNode) => {
      for (const selection of selections) {
        if (!this.#isIncluded(selection)) continue;
        if (selection.kind === Kind.FIELD) {
          const key = (selection.alias ?? selection.name).value;
          fields.set(key, [...(fields.get(key) ?? []), selection]);
        } else if (selection.kind === Kind.INLINE_FRAGMENT) {
          if (this.#isOf(type, selection.typeCondition?.name.value)) visit(selection.selectionSet);
        } else if (!spread.has(selection.name.value)) {
          spread.add(selection.name.value);
          const fragment = this.#args.fragments[selection.name.value]?.definition;
          if (fragment && this.#isOf(type, fragment.typeCondition.name.value)) visit(fragment.selectionSet);
        }
      }
    };
    for (const set of sets) visit(set);
    return fields;
  }

  #isIncluded(node: SelectionNode): boolean {
    const ifOf = (directive: GraphQLDirective) => {
      const { if: value } = getDirectiveValues(directive, node, this.#args.variableValues) ?? {};
      return value;
    };
    return ifOf(GraphQLSkipDirective) !== true && ifOf(GraphQLIncludeDirective) !== false;
  }

  #isOf(type: GraphQLObjectType, condition: string | undefined): boolean {
    if (condition === undefined || condition === type.name) return true;
    const other = this.#args.schema.getType(condition);
    return isAbstractType(other) && this.#args.schema.isSubType(other, type);
  }

  #field(type: GraphQLObjectType, nodes: readonly FieldNode[], before: string): Field {
    const [node] = nodes as [FieldNode];
    const field = this.#args.schema.getField(type, node.name.value);
    if (!field) throw new OnlyGraphqlJs();
    if (field === TypeNameMetaFieldDef) return { before, write: () => JSON.stringify(type.name) };
    const resolve = field.resolve ?? propertyOf(field);
    // They are the same for each event; a resolver that changed them would change them for all.
    const args = Object.freeze(this.#argumentsOf(field, node));
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    const write = settled(this.#value(field.type, sets));
    return { before, write: (source, context) => write(resolve(source, args, context, NO_INFO), context) };
  }

  #argumentsOf(field: GraphQLField<unknown, unknown>, node: FieldNode): Record<string, unknown> {
    try {
      return getArgumentValues(field, node, this.#args.variableValues);
    } catch {
      throw new OnlyGraphqlJs();
    }
  }

  #value(type: GraphQLOutputType, sets: readonly SelectionSetNode[]): Write {
    if (isNonNullType(type)) {
      const write = this.#present(type.ofType, sets);
      return (value, context) => (isNothing(value) ? undefined : write(value, context));
    }
    const write = this.#present(type, sets);
    return (value, context) => (isNothing(value) ? 'null' : write(value, context));
  }

  /** Of a value that is neither null nor undefined. */
  #present(type: GraphQLOutputType, sets: readonly SelectionSetNode[]): Write {
    if (isListType(type)) return list(settled(this.#value(type.ofType, sets)));
    if (isLeafType(type)) return leaf(type);
    if (isAbstractType(type)) return this.#abstract(type, sets);
    if (isObjectType(type)) return this.#object(type, sets);
    throw new OnlyGraphqlJs();
  }

  #abstract(type: GraphQLAbstractType, sets: readonly SelectionSetNode[]): Write {
    const writes = new Map<string, Write>();
    const { schema } = this.#args;
    return (value, context) => {
      const name = type.resolveType?.(value, context, NO_INFO, type);
      if (typeof name !== 'string') return undefined;
      let write = writes.get(name);
      if (!write) {
        const object = schema.getType(name);
        if (!isObjectType(object) || !schema.isSubType(type, object)) return undefined;
        write = this.#object(object, sets);
        writes.set(name, write);
      }
      return write(value, context);
    };
  }
}

function list(write: Write): Write {
  return (values, context) => {
    if (!Array.isArray(values)) return undefined;
    let json = '';
    for (const [index, value] of values.entries()) {
      const text = write(value, context);
      if (text === undefined) {
        for (const other of values.slice(index + 1)) if (isPromiseLike(other)) leave(other);
        return undefined;
      }
      json += json === '' ? text : `,${text}`;
    }
    return `[${json}]`;
  };
}

function leaf(type: GraphQLLeafType): Write {
  return (value) => {
    const coerced = type.coerceOutputValue(value);
    if (isNothing(coerced)) return undefined;
    const isPlain = typeof coerced === 'boolean' || Number.isFinite(coerced);
    return isPlain ? String(coerced) : JSON.stringify(coerced);
  };
}

/** Of what a resolver has given: a promise has to be waited for, and an error told. */
function settled(write: Write): Write {
  return (value, context) => {
    if (value instanceof Error) return undefined;
    if (!isPromiseLike(value)) return write(value, context);
    leave(value);
    return undefined;
  };
}

/** Whoever asks again gets the failure. */
function leave(value: PromiseLike<unknown>): void {
  value.then(undefined, () => undefined);
}

function propertyOf({ name }: GraphQLField<unknown, unknown>) {
  return (source: unknown): unknown => {
    const value = (source as Record<string, unknown>)[name];
    if (typeof value === 'function') throw new OnlyGraphqlJs();
    return value;
  };
}

function isNothing(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function';
}

/** It will not be otherwise with the next event. */
class OnlyGraphqlJs extends Error {}

/** What a resolver may learn of the execution, it learns from graphql-js only. */
const refuse = () => {
  throw new OnlyGraphqlJs();
};
const NO_INFO = new Proxy({} as GraphQLResolveInfo, {
  get: refuse,
  has: refuse,
  ownKeys: refuse,
  getOwnPropertyDescriptor: refuse,
});
