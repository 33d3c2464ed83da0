import { builder } from '../graphql/builder.ts';
import { connectionOf, toConnection } from '../graphql/connection.ts';
import { Node, registerNode } from '../graphql/node.ts';
import { REQUEST_ID } from '../graphql/request-id.ts';
import { Key } from '../keys/key.entity.ts';
import { Daemon } from './daemon.entity.ts';
import { DaemonType } from './daemon.schema.ts';
import {
  createKey,
  getKey,
  type IssuedKey,
  type KeyKind,
  listKeys,
  revokeKey,
  rotateKey,
} from './manage-keys.ts';

const KeyKindType = builder.enumType('KeyKind', {
  description: 'What a key is for.',
  values: {
    USER: { description: 'For a person: everything the owner may do.' },
    DAEMON: { description: 'For one worker machine.' },
  },
});

const KeyType = builder.objectRef<Key>('Key');
KeyType.implement({
  description: 'What is known of a key. The key itself was shown once, when it was made.',
  interfaces: [Node],
  fields: (t) => ({
    name: t.exposeString('name', { description: 'A name to know it by.' }),
    kind: t.field({
      type: KeyKindType,
      description: 'What it is for.',
      resolve: (key) => key.kind as KeyKind,
    }),
    isCurrent: t.boolean({
      description: 'Whether it is the one that this call came with.',
      resolve: (key, _, context) => context.operation().principal.keyId === key.id,
    }),
    daemon: t.field({
      type: DaemonType,
      nullable: true,
      description: 'The daemon that registered with it; null for the key of a person, and before.',
      resolve: (key, _, { loaders }) => (key.daemonId ? loaders.get(Daemon, key.daemonId) : null),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was last used, to the minute; null: never.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it stops to count by itself; null: never.',
    }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was taken away; null: it was not.',
    }),
  }),
});
registerNode('key', { entity: Key, typeName: 'Key', find: getKey });
const KeyConnection = connectionOf('Key', KeyType);

builder.queryField('keys', (t) =>
  t.field({
    type: KeyConnection,
    description: 'The keys for people and daemons, newest first. For the owner.',
    args: {
      ended: t.arg.boolean({
        defaultValue: false,
        description: 'Also those that were revoked or have expired.',
      }),
      first: t.arg.int({ defaultValue: 50, description: 'How many, 1 to 500.' }),
      after: t.arg.string({ description: 'Those behind this cursor.' }),
    },
    resolve: async (_, args, context) => toConnection(await listKeys(context.operation(), args), args.after),
  }),
);

const CreateKeyPayload = builder.objectRef<IssuedKey>('CreateKeyPayload').implement({
  description: 'A new key.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'The key. It is shown this once: keep it.' }),
    name: t.string({ description: 'Its name.', resolve: ({ record }) => record.name }),
    kind: t.field({
      type: KeyKindType,
      description: 'What it is for.',
      resolve: ({ record }) => record.kind as KeyKind,
    }),
    record: t.field({ type: KeyType, description: 'What is stored of it.', resolve: ({ record }) => record }),
  }),
});
const RotateKeyPayload = builder.objectRef<IssuedKey>('RotateKeyPayload').implement({
  description: 'The key that took the place of another.',
  fields: (t) => ({
    key: t.exposeString('key', { description: 'The new key. It is shown this once: keep it.' }),
    record: t.field({ type: KeyType, description: 'What is stored of it.', resolve: ({ record }) => record }),
  }),
});
const RevokeKeyPayload = builder.objectRef<Key>('RevokeKeyPayload').implement({
  description: 'The key that counts no more.',
  fields: (t) => ({
    record: t.field({ type: KeyType, description: 'What is known of it.', resolve: (key) => key }),
  }),
});

const SECRET_REPEAT =
  'The same again, after an answer that did not come, gives the same key with another secret; the first one stops.';
const CreateKeyInput = builder.inputType('CreateKeyInput', {
  description: 'A key to make.',
  fields: (t) => ({
    kind: t.field({ type: KeyKindType, required: true, description: 'What it is for.' }),
    name: t.string({ required: true, description: 'A name to know it by.' }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'When it stops to count by itself; default: never.',
    }),
    requestId: t.string({ description: `${REQUEST_ID} ${SECRET_REPEAT}` }),
  }),
});
const RotateKeyInput = builder.inputType('RotateKeyInput', {
  description: 'A key to put another in the place of.',
  fields: (t) => ({
    keyId: t.id({ required: true, description: 'The key.' }),
    graceSeconds: t.int({
      defaultValue: 0,
      description: 'For how long the old one goes on to count: 0 (not at all) to 604,800, a week.',
    }),
    requestId: t.string({ description: `${REQUEST_ID} ${SECRET_REPEAT}` }),
  }),
});
const RevokeKeyInput = builder.inputType('RevokeKeyInput', {
  description: 'A key to take away.',
  fields: (t) => ({ keyId: t.id({ required: true, description: 'The key.' }) }),
});

builder.mutationFields((t) => ({
  createKey: t.field({
    type: CreateKeyPayload,
    description: 'Makes a key for a person or a daemon. For the owner.',
    args: { input: t.arg({ type: CreateKeyInput, required: true, description: 'The key to make.' }) },
    resolve: (_, { input }, context) => createKey(context.operation(), input),
  }),
  rotateKey: t.field({
    type: RotateKeyPayload,
    description:
      'Puts another key in the place of one: of the same name, for the same daemon, and with as long to live. For the owner.',
    args: { input: t.arg({ type: RotateKeyInput, required: true, description: 'Which key.' }) },
    resolve: (_, { input }, context) => rotateKey(context.operation(), input),
  }),
  revokeKey: t.field({
    type: RevokeKeyPayload,
    description:
      'Takes a key away: it is refused from now on, and the sockets that it opened are closed. For the owner.',
    args: { input: t.arg({ type: RevokeKeyInput, required: true, description: 'Which key.' }) },
    resolve: (_, { input }, context) => revokeKey(context.operation(), input),
  }),
}));
