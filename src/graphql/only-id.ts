import { type GraphQLResolveInfo, Kind } from 'graphql';

/** Whether nothing but the id is asked of an object whose id is at hand: then it need not be read. */
export function asksOnlyForId({ fieldNodes }: GraphQLResolveInfo): boolean {
  return fieldNodes.every(({ selectionSet }) =>
    selectionSet?.selections.every(
      (selection) =>
        selection.kind === Kind.FIELD &&
        (selection.name.value === 'id' || selection.name.value === '__typename'),
    ),
  );
}
