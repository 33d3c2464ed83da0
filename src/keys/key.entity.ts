import { defineEntity, p } from '@mikro-orm/core';
import { Daemon } from '../daemons/daemon.entity.ts';
import { optionalReference, primaryId, reference, timestamp } from '../platform/columns.ts';
import { Task } from '../tasks/task.entity.ts';
import { Owner } from './owner.entity.ts';

export const KEY_KINDS = ['USER', 'TASK', 'DAEMON'] as const;
export type StoredKeyKind = (typeof KEY_KINDS)[number];

/** A credential. The key itself is shown once and never stored. */
const KeySchema = defineEntity({
  name: 'Key',
  tableName: 'key',
  indexes: [
    {
      name: 'key_listed',
      expression: `create index "key_listed" on "key" ("owner_id", "id") where "kind" in ('USER', 'DAEMON')`,
    },
  ],
  properties: {
    id: primaryId('key'),
    ownerId: reference('owner', (): unknown => Owner),
    kind: p.enum(KEY_KINDS),
    name: p.text(),
    /** SHA-256 of the key, in hex: keys are 256 bits of randomness, so a plain hash cannot be guessed back. */
    hash: p.text().unique(),
    /** For tool keys: the task and its attempt; the key dies with the attempt. */
    taskId: optionalReference('task', (): unknown => Task),
    attempt: p.integer().nullable(),
    /** For daemon keys: the daemon that registered with it first. */
    daemonId: optionalReference('daemon', (): unknown => Daemon),
    createdAt: timestamp(),
    lastUsedAt: timestamp().nullable(),
    expiresAt: timestamp().nullable(),
    revokedAt: timestamp().nullable(),
  },
});
export class Key extends KeySchema.class {}
KeySchema.setClass(Key);
