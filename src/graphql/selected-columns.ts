import {
  type FieldNode,
  type GraphQLCompositeType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isUnionType,
  Kind,
  type SelectionSetNode,
} from 'graphql';

/**
 * Documents are remembered, and so is what was found out of them, by type: each type is asked for in one place, and so with
 * the same `always`.
 */
const known = new WeakMap<FieldNode, Map<string, ReadonlySet<string> | null>>();

/**
 * Which properties of an entity an answer needs: of a thousand rows the columns that nobody asked for take longer to read
 * than the others. A field of the type that exposes a property needs just that; any other says what it is made from by
 * `extensions: { columns: […] }`.
 * @param type the GraphQL type of the entity, wherever it stands under the field
 * @param always what the resolver itself needs of it
 * @returns null for all of them: a field that is asked for does not say what it needs
 */
export function selectedColumns(
  info: GraphQLResolveInfo,
  type: string,
  always: readonly string[],
): ReadonlySet<string> | null {
  const [first, second] = info.fieldNodes;
  if (first && !second) return neededBelow(first, info, type, always);
  const sets = info.fieldNodes.map((node) => neededBelow(node, info, type, always));
  if (!first || sets.some((set) => set === null)) return null;
  const all = new Set(sets.flatMap((set) => [...(set ?? [])]));
  // The same each time: what is read together is known by it.
  const byType = known.get(first) as Map<string, ReadonlySet<string> | null>;
  const name = `${type} with ${[...all].sort().join()}`;
  const merged = byType.get(name) ?? all;
  byType.set(name, merged);
  return merged;
}

function neededBelow(
  node: FieldNode,
  info: GraphQLResolveInfo,
  type: string,
  always: readonly string[],
): ReadonlySet<string> | null {
  const byType = known.get(node) ?? new Map<string, ReadonlySet<string> | null>();
  known.set(node, byType);
  let needed = byType.get(type);
  if (needed === undefined) {
    const walk = new Walk(info, info.schema.getType(type) as GraphQLObjectType, always);
    const parent = getNamedType(info.returnType);
    if (node.selectionSet && isCompositeType(parent)) walk.visit(node.selectionSet, parent);
    needed = walk.needed;
    byType.set(type, needed);
  }
  return needed;
}

class Walk {
  readonly #info: GraphQLResolveInfo;
  readonly #entity: GraphQLObjectType;
  readonly #needed: Set<string>;
  readonly #fragments = new Set<string>();
  #isAll = false;

  constructor(info: GraphQLResolveInfo, entity: GraphQLObjectType, always: readonly string[]) {
    this.#info = info;
    this.#entity = entity;
    this.#needed = new Set(always);
  }

  get needed(): ReadonlySet<string> | null {
    return this.#isAll ? null : this.#needed;
  }

  visit(set: SelectionSetNode, parent: GraphQLCompositeType): void {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) this.#field(selection, parent);
      else if (selection.kind === Kind.INLINE_FRAGMENT)
        this.#fragment(selection.selectionSet, selection.typeCondition?.name.value, parent);
      else this.#spread(selection.name.value, parent);
    }
  }

  #field({ name, selectionSet }: FieldNode, parent: GraphQLCompositeType): void {
    if (this.#mayBeEntity(parent)) this.#need(name.value);
    const field = isUnionType(parent) ? undefined : parent.getFields()[name.value];
    const below = field && getNamedType(field.type);
    if (selectionSet && isCompositeType(below)) this.visit(selectionSet, below);
  }

  #spread(name: string, parent: GraphQLCompositeType): void {
    const definition = this.#info.fragments[name];
    if (!definition || this.#fragments.has(name)) return;
    this.#fragments.add(name);
    this.#fragment(definition.selectionSet, definition.typeCondition.name.value, parent);
  }

  #fragment(set: SelectionSetNode, condition: string | undefined, parent: GraphQLCompositeType): void {
    const type = condition === undefined ? parent : this.#info.schema.getType(condition);
    if (isCompositeType(type)) this.visit(set, type);
  }

  #mayBeEntity(type: GraphQLNamedType): boolean {
    return type === this.#entity || (isAbstractType(type) && this.#info.schema.isSubType(type, this.#entity));
  }

  #need(field: string): void {
    const extensions = this.#entity.getFields()[field]?.extensions as
      | { columns?: readonly string[]; pothosExposedField?: string }
      | undefined;
    const exposed = extensions?.pothosExposedField;
    const columns = extensions?.columns ?? (exposed === undefined ? undefined : [exposed]);
    for (const column of columns ?? []) this.#needed.add(column);
    // Such as `__typename`, which is no field of the type and needs nothing.
    if (extensions && !columns) this.#isAll = true;
  }
}
