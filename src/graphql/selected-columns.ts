import type { FieldNode, GraphQLObjectType } from 'graphql';
import { type Selecting, selectedFields } from './selected-fields.ts';

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
  info: Selecting,
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
  info: Selecting,
  type: string,
  always: readonly string[],
): ReadonlySet<string> | null {
  const byType = known.get(node) ?? new Map<string, ReadonlySet<string> | null>();
  known.set(node, byType);
  let needed = byType.get(type);
  if (needed === undefined) {
    const entity = info.schema.getType(type) as GraphQLObjectType;
    needed = columnsOf(entity, selectedFields(node, info, type).keys(), always);
    byType.set(type, needed);
  }
  return needed;
}

function columnsOf(
  entity: GraphQLObjectType,
  names: Iterable<string>,
  always: readonly string[],
): ReadonlySet<string> | null {
  const needed = new Set(always);
  for (const name of names) {
    const extensions = entity.getFields()[name]?.extensions as
      | { columns?: readonly string[]; pothosExposedField?: string }
      | undefined;
    const exposed = extensions?.pothosExposedField;
    const columns = extensions?.columns ?? (exposed === undefined ? undefined : [exposed]);
    // Such as `__typename`, which is no field of the type and needs nothing.
    if (extensions && !columns) return null;
    for (const column of columns ?? []) needed.add(column);
  }
  return needed;
}
