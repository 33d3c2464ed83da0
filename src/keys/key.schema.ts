import { builder } from '../graphql/builder.ts';
import { Node, registerNode } from '../graphql/node.ts';
import { notFound } from '../platform/errors.ts';
import type { Principal } from '../platform/principal.ts';
import { Owner } from './owner.entity.ts';

export const OwnerType = builder.objectRef<Owner>('Owner');
OwnerType.implement({
  description: 'The tenant: everything belongs to one, and nothing crosses.',
  interfaces: [Node],
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
  }),
});
registerNode('owner', {
  entity: Owner,
  typeName: 'Owner',
  find: async (op, id) => {
    const owner =
      id === op.principal.ownerId ? await op.em.findOne(Owner, { id: op.principal.ownerId }) : null;
    if (!owner) throw notFound('owner', id);
    return owner;
  },
});

export const PrincipalKindType = builder.enumType('PrincipalKind', {
  description: 'What kind of key a caller has.',
  values: {
    USER: { description: 'A person: the owner.' },
    SUPERVISOR: { description: "A contract's supervisor." },
    WORK: { description: 'A work task.' },
    RED_TEAM: { description: 'The adversarial reviewer of a contract.' },
    DAEMON: { description: 'A worker machine.' },
  },
});

export const ViewerType = builder.objectRef<Principal>('Viewer').implement({
  description: 'Who is calling.',
  fields: (t) => ({
    kind: t.field({
      type: PrincipalKindType,
      description: 'By what kind of key.',
      resolve: (principal) => principal.kind,
    }),
    keyName: t.exposeString('keyName', {
      nullable: true,
      description: 'The name of the key; null when it has none.',
    }),
    owner: t.field({
      type: OwnerType,
      description: 'Whose key it is.',
      resolve: (principal, _, { loaders }) => loaders.get(Owner, principal.ownerId),
    }),
  }),
});

builder.queryField('viewer', (t) =>
  t.field({
    type: ViewerType,
    description: 'Who is calling, as the key says.',
    resolve: (_, __, context) => context.operation().principal,
  }),
);
