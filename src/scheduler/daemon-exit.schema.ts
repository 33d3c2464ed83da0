import type { Daemon } from '../daemons/daemon.entity.ts';
import { DaemonType } from '../daemons/daemon.schema.ts';
import { builder } from '../graphql/builder.ts';
import { disconnectDaemon, removeDaemon } from './lost-daemons.ts';

const DisconnectDaemonInput = builder.inputType('DisconnectDaemonInput', {
  description: 'A daemon leaves.',
  fields: (t) => ({ epoch: t.int({ required: true, description: 'The epoch that registerDaemon gave.' }) }),
});
const DisconnectDaemonPayload = builder.objectRef<Daemon>('DisconnectDaemonPayload').implement({
  description: 'The daemon, gone.',
  fields: (t) => ({
    daemon: t.field({ type: DaemonType, description: 'The daemon.', resolve: (daemon) => daemon }),
  }),
});
builder.mutationField('disconnectDaemon', (t) =>
  t.field({
    type: DisconnectDaemonPayload,
    description: 'A daemon leaves in order; what it still had is given to others. For daemons.',
    args: { input: t.arg({ type: DisconnectDaemonInput, required: true, description: 'Which connection.' }) },
    resolve: (_, { input }, context) => disconnectDaemon(context.operation(), input),
  }),
);

const RemoveDaemonInput = builder.inputType('RemoveDaemonInput', {
  description: 'Which daemon to take out of service.',
  fields: (t) => ({ daemonId: t.id({ required: true, description: 'The daemon.' }) }),
});
const RemoveDaemonPayload = builder.objectRef<Daemon>('RemoveDaemonPayload').implement({
  description: 'The daemon, out of service.',
  fields: (t) => ({
    daemon: t.field({ type: DaemonType, description: 'The daemon.', resolve: (daemon) => daemon }),
  }),
});
builder.mutationField('removeDaemon', (t) =>
  t.field({
    type: RemoveDaemonPayload,
    description:
      'Takes a daemon out of service: its key is revoked, and what it still had is given to others. For the owner.',
    args: { input: t.arg({ type: RemoveDaemonInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input }, context) => removeDaemon(context.operation(), input),
  }),
);
