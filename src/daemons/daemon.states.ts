import type { Moves } from '../platform/states.ts';

/**
 * CONNECTED      takes work
 * DRAINING       finishes what it has and takes no new work
 * DISCONNECTED   left, or was silent for longer than its lease, or was removed
 */
export const DAEMON_STATUSES = ['CONNECTED', 'DRAINING', 'DISCONNECTED'] as const;
export type DaemonStatus = (typeof DAEMON_STATUSES)[number];

export const DAEMON_MOVES: Moves<DaemonStatus> = {
  CONNECTED: ['DRAINING', 'DISCONNECTED'],
  DRAINING: ['CONNECTED', 'DISCONNECTED'],
  // The owner's wish that it drains outlives its absence.
  DISCONNECTED: ['CONNECTED', 'DRAINING'],
};
