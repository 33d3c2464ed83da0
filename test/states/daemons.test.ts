import { expect, test } from 'vitest';
import { DAEMON_STATUSES, type DaemonStatus } from '../../src/daemons/daemon.states.ts';
import type { Answer } from '../support/api.ts';
import { TestClock } from '../support/clock.ts';
import { HandDaemon } from '../support/daemon.ts';
import { startTestServer } from '../support/server.ts';
import { changesNothing } from '../support/snapshot.ts';

const clock = new TestClock();
const { api, server } = await startTestServer({ clock });
// Within the first minute of a server nobody is given up.
clock.advance(61_000);

const drain = (daemon: HandDaemon, draining: boolean) =>
  api.mutate('drainDaemon', { daemonId: daemon.id, draining }, 'daemon { id }');
const epoch = (daemon: HandDaemon) => ({ epoch: daemon.epoch });

async function connected(status: DaemonStatus): Promise<HandDaemon> {
  const daemon = await HandDaemon.connect(api, { name: status });
  if (status === 'DRAINING') await drain(daemon, true);
  if (status === 'DISCONNECTED') await daemon.api.mutate('disconnectDaemon', epoch(daemon), 'daemon { id }');
  return daemon;
}
async function statusNow({ id }: HandDaemon): Promise<string> {
  return (await api.ask('query($id: ID!) { node(id: $id) { ... on Daemon { status } } }', { id })).node
    .status;
}

interface Action {
  readonly call: (daemon: HandDaemon) => Promise<Answer>;
  readonly row: Record<DaemonStatus, DaemonStatus | 'STALE_EPOCH'>;
  /** The mutation that is refused where the row says so. */
  readonly mutation?: string;
}
const ACTIONS: Record<string, Action> = {
  registerDaemon: {
    call: (daemon) => daemon.register(),
    row: { CONNECTED: 'CONNECTED', DRAINING: 'DRAINING', DISCONNECTED: 'CONNECTED' },
  },
  heartbeatDaemon: {
    call: (daemon) => daemon.api.mutate('heartbeatDaemon', epoch(daemon), 'daemon { id }'),
    mutation: 'heartbeatDaemon',
    row: { CONNECTED: 'CONNECTED', DRAINING: 'DRAINING', DISCONNECTED: 'STALE_EPOCH' },
  },
  disconnectDaemon: {
    call: (daemon) => daemon.api.mutate('disconnectDaemon', epoch(daemon), 'daemon { id }'),
    mutation: 'disconnectDaemon',
    row: { CONNECTED: 'DISCONNECTED', DRAINING: 'DISCONNECTED', DISCONNECTED: 'STALE_EPOCH' },
  },
  drainDaemon: {
    call: (daemon) => drain(daemon, true),
    row: { CONNECTED: 'DRAINING', DRAINING: 'DRAINING', DISCONNECTED: 'DISCONNECTED' },
  },
  'drainDaemon with draining: false': {
    call: (daemon) => drain(daemon, false),
    row: { CONNECTED: 'CONNECTED', DRAINING: 'CONNECTED', DISCONNECTED: 'DISCONNECTED' },
  },
  'silence past its lease': {
    call: async () => {
      clock.advance(20_001);
      await server.scheduler.sweepNow();
    },
    row: { CONNECTED: 'DISCONNECTED', DRAINING: 'DISCONNECTED', DISCONNECTED: 'DISCONNECTED' },
  },
  'silence within its lease': {
    call: async () => {
      clock.advance(5_000);
      await server.scheduler.sweepNow();
    },
    row: { CONNECTED: 'CONNECTED', DRAINING: 'DRAINING', DISCONNECTED: 'DISCONNECTED' },
  },
  removeDaemon: {
    call: (daemon) => api.mutate('removeDaemon', { daemonId: daemon.id }, 'daemon { id }'),
    row: { CONNECTED: 'DISCONNECTED', DRAINING: 'DISCONNECTED', DISCONNECTED: 'DISCONNECTED' },
  },
};
const cells = Object.entries(ACTIONS).flatMap(([name, { row }]) =>
  DAEMON_STATUSES.map((status) => [name, status, row[status]] as const),
);
test.each(cells)('%s of a daemon that is %s: %s', async (name, status, expected) => {
  const daemon = await connected(status);
  const { call, mutation } = ACTIONS[name] as Action;
  if (expected !== 'STALE_EPOCH') {
    await call(daemon);
    expect(await statusNow(daemon)).toBe(expected);
    return;
  }
  const refused = await changesNothing(server, () =>
    daemon.api.mutationRefused(String(mutation), epoch(daemon)),
  );
  expect(refused).toMatchObject({ code: expected, extensions: { reason: 'LOST' } });
});

test('the wish that it drains outlives its absence', async () => {
  const daemon = await connected('DISCONNECTED');
  await drain(daemon, true);
  await daemon.register();
  expect(await statusNow(daemon)).toBe('DRAINING');
});
