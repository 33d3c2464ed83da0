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

/** What a field is asked for with. */
export type Selecting = Pick<GraphQLResolveInfo, 'schema' | 'fragments' | 'returnType' | 'fieldNodes'>;

/**
 * Where each field of a type is asked for: by its name in the type, and by its place in the answer. Those of one place are
 * answered together.
 */
export type SelectedFields = ReadonlyMap<string, ReadonlyMap<string, readonly FieldNode[]>>;

/** Documents are remembered, and so is what was found in them. */
const known = new WeakMap<FieldNode, Map<string, SelectedFields>>();

/**
 * The fields of an entity that are asked for under a field.
 * @param node one of those that ask for the field
 * @param type the GraphQL type of the entity, wherever it stands under the field
 */
export function selectedFields(node: FieldNode, info: Selecting, type: string): SelectedFields {
  const byType = known.get(node) ?? new Map<string, SelectedFields>();
  known.set(node, byType);
  let fields = byType.get(type);
  if (!fields) {
    const walk = new Walk(info, info.schema.getType(type) as GraphQLObjectType);
    const parent = getNamedType(info.returnType);
    if (node.selectionSet && isCompositeType(parent)) walk.visit(node.selectionSet, parent, '');
    fields = walk.found;
    byType.set(type, fields);
  }
  return fields;
}

class Walk {
  readonly found = new Map<string, Map<string, FieldNode[]>>();
  readonly #info: Selecting;
  readonly #entity: GraphQLObjectType;
  readonly #fragments = new Set<string>();

  constructor(info: Selecting, entity: GraphQLObjectType) {
    this.#info = info;
    this.#entity = entity;
  }

  /** @param place of what the selection is of, in the answer */
  visit(set: SelectionSetNode, parent: GraphQLCompositeType, place: string): void {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) this.#field(selection, parent, place);
      else if (selection.kind === Kind.INLINE_FRAGMENT)
        this.#fragment(selection.selectionSet, selection.typeCondition?.name.value, parent, place);
      else this.#spread(selection.name.value, parent, place);
    }
  }

  #field(node: FieldNode, parent: GraphQLCompositeType, above: string): void {
    const { alias, name, selectionSet } = node;
    const place = `${above}.${(alias ?? name).value}`;
    if (this.#mayBeEntity(parent)) this.#find(name.value, place, node);
    const field = isUnionType(parent) ? undefined : parent.getFields()[name.value];
    const below = field && getNamedType(field.type);
    if (selectionSet && isCompositeType(below)) this.visit(selectionSet, below, place);
  }

  #find(name: string, place: string, node: FieldNode): void {
    const places = this.found.get(name) ?? new Map<string, FieldNode[]>();
    this.found.set(name, places);
    places.set(place, [...(places.get(place) ?? []), node]);
  }

  #spread(name: string, parent: GraphQLCompositeType, place: string): void {
    const definition = this.#info.fragments[name];
    if (!definition || this.#fragments.has(name)) return;
    this.#fragments.add(name);
    this.#fragment(definition.selectionSet, definition.typeCondition.name.value, parent, place);
  }

  #fragment(
    set: SelectionSetNode,
    condition: string | undefined,
    parent: GraphQLCompositeType,
    place: string,
  ): void {
    const type = condition === undefined ? parent : this.#info.schema.getType(condition);
    if (isCompositeType(type)) this.visit(set, type, place);
  }

  #mayBeEntity(type: GraphQLNamedType): boolean {
    return type === this.#entity || (isAbstractType(type) && this.#info.schema.isSubType(type, this.#entity));
  }
}
