import { builder } from '../graphql/builder.ts';
import type { OwnerIdentity } from '../keys/owner-identity.entity.ts';
import { linkIdentity, listIdentities, unlinkIdentity } from './link-identity.ts';

const IdentityType = builder.objectRef<OwnerIdentity>('Identity').implement({
  description: 'Somebody whom the identity provider knows, and who is this owner here.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Its id.' }),
    issuer: t.exposeString('issuer', { description: 'The provider, as its tokens name it.' }),
    subject: t.exposeString('subject', { description: "The token's `sub`." }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was linked.' }),
  }),
});

function identityPayload(name: string, description: string) {
  return builder.objectRef<OwnerIdentity>(name).implement({
    description,
    fields: (t) => ({
      identity: t.field({
        type: IdentityType,
        description: 'The identity.',
        resolve: (identity) => identity,
      }),
    }),
  });
}

const LinkIdentityInput = builder.inputType('LinkIdentityInput', {
  description: 'Whom to let in.',
  fields: (t) => ({
    token: t.string({ required: true, description: 'A token that the identity provider gave them.' }),
  }),
});
const UnlinkIdentityInput = builder.inputType('UnlinkIdentityInput', {
  description: 'Whom to let in no more.',
  fields: (t) => ({ identityId: t.id({ required: true, description: 'The identity.' }) }),
});

builder.queryField('identities', (t) =>
  t.field({
    type: [IdentityType],
    description:
      'Who comes in as this owner with a token of the identity provider, the oldest first. For the owner.',
    resolve: (_, __, context) => listIdentities(context.operation()),
  }),
);
builder.mutationFields((t) => ({
  linkIdentity: t.field({
    type: identityPayload('LinkIdentityPayload', 'Somebody who may come in.'),
    description: 'Lets somebody in with tokens of the identity provider, as this owner. For the owner.',
    args: { input: t.arg({ type: LinkIdentityInput, required: true, description: 'Whom.' }) },
    resolve: (_, { input }, context) => linkIdentity(context.operation(), input),
  }),
  unlinkIdentity: t.field({
    type: identityPayload('UnlinkIdentityPayload', 'Somebody who may come in no more.'),
    description: 'Lets somebody in no more by their tokens, and closes their sockets. For the owner.',
    args: { input: t.arg({ type: UnlinkIdentityInput, required: true, description: 'Whom.' }) },
    resolve: (_, { input }, context) => unlinkIdentity(context.operation(), input),
  }),
}));
