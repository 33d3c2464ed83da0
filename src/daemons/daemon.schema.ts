import { builder } from '../graphql/builder.ts';
import { Node, registerNode } from '../graphql/node.ts';
import { ViewerType } from '../keys/key.schema.ts';
import { isTask } from '../platform/principal.ts';
import { Daemon } from './daemon.entity.ts';
import { drainDaemon, getDaemon, heartbeatDaemon, listDaemons } from './daemon.service.ts';

const DaemonStatusType = builder.enumType('DaemonStatus', {
  description: 'Whether a daemon takes work.',
  values: {
    CONNECTED: { description: 'It is there and takes tasks.' },
    DRAINING: { description: 'It finishes what it has and takes nothing new.' },
    DISCONNECTED: { description: 'It left, or was silent for too long.' },
  },
});

export const DaemonType = builder.objectRef<Daemon>('Daemon');
DaemonType.implement({
  description: 'A worker machine of the owner: it runs agents in git working copies.',
  interfaces: [Node],
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What it calls itself.' }),
    hostname: t.exposeString('hostname', { description: 'The machine it runs on.' }),
    version: t.exposeString('daemonVersion', { description: 'Its version of Taskmesh.' }),
    status: t.field({
      type: DaemonStatusType,
      description: 'Whether it takes work.',
      resolve: (daemon) => daemon.status,
    }),
    agents: t.exposeStringList('agents', { description: 'The agent profiles it offers.' }),
    localPaths: t.exposeStringList('localPaths', {
      description: 'Where on its machine repositories may lie.',
    }),
    maxConcurrentTasks: t.exposeInt('maxConcurrentTasks', {
      description: 'How many work tasks it runs at once.',
    }),
    lastHeartbeatAt: t.expose('lastHeartbeatAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was last heard of; null before its first sign of life.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it first registered.' }),
    removedAt: t.expose('removedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the owner removed it; null while it is in service.',
    }),
  }),
});
registerNode('daemon', { entity: Daemon, typeName: 'Daemon', find: getDaemon });

builder.objectField(ViewerType, 'daemon', (t) =>
  t.field({
    type: DaemonType,
    nullable: true,
    description: 'The daemon, for a daemon key that has registered; null for all others.',
    resolve: (principal, _, { loaders }) =>
      !isTask(principal) && principal.kind === 'DAEMON' && principal.daemonId
        ? loaders.get(Daemon, principal.daemonId)
        : null,
  }),
);

builder.queryField('daemons', (t) =>
  t.field({
    type: [DaemonType],
    description: "The owner's daemons, the oldest first.",
    resolve: (_, __, context) => listDaemons(context.operation()),
  }),
);

function daemonPayload(name: string, description: string) {
  return builder.objectRef<Daemon>(name).implement({
    description,
    fields: (t) => ({
      daemon: t.field({ type: DaemonType, description: 'The daemon.', resolve: (daemon) => daemon }),
    }),
  });
}

const HeartbeatDaemonInput = builder.inputType('HeartbeatDaemonInput', {
  description: 'A sign of life.',
  fields: (t) => ({ epoch: t.int({ required: true, description: 'The epoch that registerDaemon gave.' }) }),
});
const DrainDaemonInput = builder.inputType('DrainDaemonInput', {
  description: 'Which daemon to drain.',
  fields: (t) => ({
    daemonId: t.id({ required: true, description: 'The daemon.' }),
    draining: t.boolean({ defaultValue: true, description: 'false: let it take work again.' }),
  }),
});

builder.mutationFields((t) => ({
  heartbeatDaemon: t.field({
    type: daemonPayload('HeartbeatDaemonPayload', 'The daemon, alive.'),
    description:
      'A sign of life, every 5 s. Fails with STALE_EPOCH when this connection was replaced or given up. For daemons.',
    args: { input: t.arg({ type: HeartbeatDaemonInput, required: true, description: 'The sign of life.' }) },
    resolve: (_, { input }, context) => heartbeatDaemon(context.operation(), input),
  }),
  drainDaemon: t.field({
    type: daemonPayload('DrainDaemonPayload', 'The daemon, draining or not.'),
    description: 'Lets a daemon finish what it has and take nothing new. For the owner.',
    args: { input: t.arg({ type: DrainDaemonInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input }, context) => drainDaemon(context.operation(), input),
  }),
}));
