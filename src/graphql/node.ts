import type { EntityClass } from '@mikro-orm/core';
import { notFound } from '../platform/errors.ts';
import { type IdPrefix, prefixOf } from '../platform/ids.ts';
import type { Operation } from '../platform/runtime.ts';
import { builder } from './builder.ts';

interface NodeKind {
  readonly entity: EntityClass<{ id: string }>;
  readonly typeName: string;
  /** Finds it for this caller, with all that the feature checks. */
  readonly find: (op: Operation, id: string) => Promise<object>;
}

const kinds = new Map<IdPrefix, NodeKind>();

/** Makes objects of a kind reachable by `node(id:)`. The id's prefix tells the kind. */
export function registerNode(prefix: IdPrefix, kind: NodeKind): void {
  kinds.set(prefix, kind);
}

export const Node = builder.interfaceRef<{ id: string }>('Node').implement({
  description: 'An object with an id that is unique everywhere, by which `node` finds it again.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'A TypeID: the kind, an underscore and 26 characters.' }),
  }),
  resolveType: (value) => {
    const kind = kinds.get(prefixOf(value.id) as IdPrefix);
    return kind?.typeName;
  },
});

builder.queryField('node', (t) =>
  t.field({
    type: Node,
    nullable: true,
    description: 'Any object by its id. null with the error NOT_FOUND when there is none for this caller.',
    args: { id: t.arg.id({ required: true, description: 'The id of a contract, task, daemon, question …' }) },
    resolve: (_, { id }, context) => {
      const kind = kinds.get(prefixOf(id) as IdPrefix);
      if (!kind) throw notFound('object', id);
      return kind.find(context.operation(), id) as Promise<{ id: string }>;
    },
  }),
);
