import { defineEntity, p } from '@mikro-orm/core';
import { Owner } from '../keys/owner.entity.ts';
import { primaryId, reference, texts, timestamp } from '../platform/columns.ts';
import { DAEMON_STATUSES } from './daemon.states.ts';

/** A worker machine of the owner. */
const DaemonSchema = defineEntity({
  name: 'Daemon',
  tableName: 'daemon',
  indexes: [
    {
      name: 'daemon_present',
      expression: `create index "daemon_present" on "daemon" ("owner_id") where "status" in ('CONNECTED', 'DRAINING')`,
    },
  ],
  properties: {
    id: primaryId('daemon'),
    ownerId: reference('owner', (): unknown => Owner),
    name: p.text(),
    hostname: p.text(),
    daemonVersion: p.text(),
    /** DISCONNECTED when it left, or was silent for longer than its lease. */
    status: p.enum(DAEMON_STATUSES),
    /** The owner's wish, which outlives any absence: status is DRAINING while it is there. */
    draining: p.boolean().default(false),
    /** Names of the agent profiles it offers. */
    agents: texts(),
    localPaths: texts(),
    maxConcurrentTasks: p.integer(),
    /** Number of the present connection: an older one may not act any more. */
    epoch: p.integer().default(0),
    lastHeartbeatAt: timestamp().nullable(),
    createdAt: timestamp(),
    /** When the owner removed it; what it did stays. */
    removedAt: timestamp().nullable(),
  },
});
export class Daemon extends DaemonSchema.class {}
DaemonSchema.setClass(Daemon);
