import { builder } from '../graphql/builder.ts';
import { Node, registerNode } from '../graphql/node.ts';
import { notFound } from '../platform/errors.ts';
import type { Principal } from '../platform/principal.ts';
import { createKey } from './key.service.ts';
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

const KeyKindType = builder.enumType('KeyKind', {
  description: 'What a key is for.',
  values: {
    USER: { description: 'For a person: everything the owner may do.' },
    DAEMON: { description: 'For one worker machine.' },
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

interface CreatedKey {
  key: string;
  name: string;
  kind: 'USER' | 'DAEMON';
}
const CreateKeyPayload = builder.objectRef<CreatedKey>('CreateKeyPayload').implement({
  description: 'A new key.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'The key. It is shown this once: keep it.' }),
    name: t.exposeString('name', { description: 'Its name.' }),
    kind: t.field({ type: KeyKindType, description: 'What it is for.', resolve: (created) => created.kind }),
  }),
});
const CreateKeyInput = builder.inputType('CreateKeyInput', {
  description: 'A key to make.',
  fields: (t) => ({
    kind: t.field({ type: KeyKindType, required: true, description: 'What it is for.' }),
    name: t.string({ required: true, description: 'A name to know it by.' }),
  }),
});
builder.mutationField('createKey', (t) =>
  t.field({
    type: CreateKeyPayload,
    description: 'Makes a key for a person or a daemon. For the owner.',
    args: { input: t.arg({ type: CreateKeyInput, required: true, description: 'The key to make.' }) },
    resolve: (_, { input }, context) => createKey(context.operation(), input),
  }),
);
