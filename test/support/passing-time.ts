import { type Id, toUuid } from '../../src/platform/ids.ts';
import type { RunningServer } from '../../src/server/server.ts';
import type { TestClock } from './clock.ts';
import type { HandDaemon } from './daemon.ts';
import { rowsOf } from './snapshot.ts';

/**
 * Moves the clock on while daemons live on. Their signs of life are stored ahead: a sweep of the scheduler's own between
 * the move and their next one would take them for lost.
 */
export async function moveClock(
  server: RunningServer,
  clock: TestClock,
  milliseconds: number,
  ...alive: readonly HandDaemon[]
): Promise<void> {
  const ids = alive.map((daemon) => `'${toUuid(daemon.id as Id<'daemon'>)}'`);
  if (ids.length > 0) {
    await rowsOf(
      server,
      `update daemon set last_heartbeat_at = last_heartbeat_at + interval '${milliseconds} milliseconds'
       where id in (${ids.join()})`,
    );
  }
  clock.advance(milliseconds);
  for (const daemon of alive)
    await daemon.api.mutate('heartbeatDaemon', { epoch: daemon.epoch }, 'daemon { id }');
}

/** The same, and lets the scheduler look. */
export async function passTime(
  server: RunningServer,
  clock: TestClock,
  milliseconds: number,
  ...alive: readonly HandDaemon[]
): Promise<void> {
  await moveClock(server, clock, milliseconds, ...alive);
  await server.scheduler.sweepNow();
}
