import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  isCompositeType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql';

/** How many objects a list is taken to have that says nothing about it, by `extensions: { listSize }` of its field. */
const LIST = 10;
/** The argument by which a connection says how many objects it gives. */
const PAGE = 'first';

/**
 * Estimates how many values an answer has: one a field, times the page that was asked for, times ten for a list without
 * pages. It takes variables as they were sent, and each fragment once per type that it is used on.
 * @param document a valid one
 */
export function documentCost(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Readonly<Record<string, unknown>> | null | undefined,
): number {
  const operation = getOperationAST(document, operationName);
  const root = operation && schema.getRootType(operation.operation);
  if (!operation || !root) return 0;
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  return new Estimate(schema, fragments, variables ?? {}).below(operation.selectionSet, root, false);
}

class Estimate {
  readonly #schema: GraphQLSchema;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #variables: Readonly<Record<string, unknown>>;
  readonly #known = new Map<string, number>();

  constructor(
    schema: GraphQLSchema,
    fragments: ReadonlyMap<string, FragmentDefinitionNode>,
    variables: Readonly<Record<string, unknown>>,
  ) {
    this.#schema = schema;
    this.#fragments = fragments;
    this.#variables = variables;
  }

  /** @param inPage whether the lists of this type are the page that its parent was asked for, and counted there */
  below(set: SelectionSetNode, type: GraphQLOutputType, inPage: boolean): number {
    let cost = 0;
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) cost += this.#field(selection, type, inPage);
      else if (selection.kind === Kind.INLINE_FRAGMENT)
        cost += this.below(
          selection.selectionSet,
          this.#named(selection.typeCondition?.name.value, type),
          inPage,
        );
      else cost += this.#spread(selection.name.value, type, inPage);
    }
    return cost;
  }

  #spread(name: string, type: GraphQLOutputType, inPage: boolean): number {
    const key = `${name} ${String(type)} ${inPage}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const fragment = this.#fragments.get(name);
    if (!fragment) return 0;
    const cost = this.below(
      fragment.selectionSet,
      this.#named(fragment.typeCondition.name.value, type),
      inPage,
    );
    this.#known.set(key, cost);
    return cost;
  }

  #field(node: FieldNode, parent: GraphQLOutputType, inPage: boolean): number {
    const field = fieldOf(parent, node.name.value);
    // `__typename`, and all of introspection, which is a few thousand names whatever is asked.
    if (!field || !node.selectionSet) return 1;
    const page = this.#page(field, node);
    const { listSize = LIST } = field.extensions as { listSize?: number };
    const objects = page ?? (isList(field.type) && !inPage ? listSize : 1);
    return (
      1 +
      objects * this.below(node.selectionSet, getNamedType(field.type) as GraphQLOutputType, page !== null)
    );
  }

  /** How many objects a connection was asked for; null: it is none. */
  #page(field: GraphQLField<unknown, unknown>, node: FieldNode): number | null {
    const argument = field.args.find(({ name }) => name === PAGE);
    if (!argument) return null;
    const given = node.arguments?.find(({ name }) => name.value === PAGE)?.value;
    const value =
      given?.kind === Kind.INT
        ? Number(given.value)
        : given?.kind === Kind.VARIABLE
          ? this.#variables[given.name.value]
          : undefined;
    return typeof value === 'number' && value > 0 ? value : defaultOf(argument);
  }

  #named(name: string | undefined, otherwise: GraphQLOutputType): GraphQLOutputType {
    const type = name === undefined ? undefined : this.#schema.getType(name);
    return isCompositeType(type) ? type : otherwise;
  }
}

function defaultOf(argument: GraphQLArgument): number {
  const value = argument.default?.value ?? argument.defaultValue;
  return typeof value === 'number' ? value : LIST;
}

function fieldOf(type: GraphQLOutputType, name: string): GraphQLField<unknown, unknown> | undefined {
  return isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
}

function isList(type: GraphQLOutputType): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type);
}
