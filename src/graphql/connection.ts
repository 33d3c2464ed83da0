import type { ObjectRef } from '@pothos/core';
import { builder, type SchemaTypes } from './builder.ts';

export interface Page<T> {
  /** One more than the limit when there are more. */
  readonly items: readonly T[];
  readonly limit: number;
}

interface Connection<T> {
  readonly nodes: readonly T[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

interface PageInfoShape {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

const PageInfo = builder.objectRef<PageInfoShape>('PageInfo').implement({
  description: 'Where a page of a connection stands. https://relay.dev/graphql/connections.htm',
  fields: (t) => ({
    hasNextPage: t.exposeBoolean('hasNextPage', { description: 'Whether more follow.' }),
    hasPreviousPage: t.exposeBoolean('hasPreviousPage', {
      description: 'Whether the page began after a cursor.',
    }),
    startCursor: t.exposeString('startCursor', {
      nullable: true,
      description: 'Of the first; null when the page is empty.',
    }),
    endCursor: t.exposeString('endCursor', {
      nullable: true,
      description: 'Of the last: pass it as `after` for the next page. null when the page is empty.',
    }),
  }),
});

/** A Relay connection over objects whose id is their cursor. */
export function connectionOf<T extends { id: string }>(
  name: string,
  node: ObjectRef<PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>, T, T>,
) {
  const edge = builder.objectRef<T>(`${name}Edge`).implement({
    description: `A ${name} with its place in the connection.`,
    fields: (t) => ({
      cursor: t.string({
        description: 'Its place: pass it as `after` to go on behind it.',
        resolve: (item) => item.id,
      }),
      node: t.field({ type: node, description: `The ${name}.`, resolve: (item) => item as never }),
    }),
  });
  return builder.objectRef<Connection<T>>(`${name}Connection`).implement({
    description: `A page of ${name} objects.`,
    fields: (t) => ({
      edges: t.field({
        type: [edge],
        description: 'The page with cursors.',
        resolve: ({ nodes }) => [...nodes] as never,
      }),
      nodes: t.field({ type: [node], description: 'The page.', resolve: ({ nodes }) => [...nodes] as never }),
      pageInfo: t.field({
        type: PageInfo,
        description: 'Whether there is more.',
        resolve: ({ nodes, hasNextPage, hasPreviousPage }) => ({
          hasNextPage,
          hasPreviousPage,
          startCursor: nodes[0]?.id ?? null,
          endCursor: nodes.at(-1)?.id ?? null,
        }),
      }),
    }),
  });
}

/** Cuts a page to its limit. */
export function toConnection<T>(page: Page<T>, after: string | null | undefined): Connection<T> {
  return {
    nodes: page.items.slice(0, page.limit),
    hasNextPage: page.items.length > page.limit,
    hasPreviousPage: Boolean(after),
  };
}
