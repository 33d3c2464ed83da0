import type { Moves } from '../platform/states.ts';

/**
 * PENDING     stored, and delivered with every connection until it is answered
 * ACCEPTED    a daemon has taken it on; delivered again until it is answered
 * COMPLETED   answered with a result
 * FAILED      answered with an error
 * WITHDRAWN   taken back before anybody accepted it
 */
export const COMMAND_STATUSES = ['PENDING', 'ACCEPTED', 'COMPLETED', 'FAILED', 'WITHDRAWN'] as const;
export type CommandStatus = (typeof COMMAND_STATUSES)[number];

export const COMMAND_MOVES: Moves<CommandStatus> = {
  // A daemon that was cut off after its acceptance may answer one that it was never seen to accept.
  PENDING: ['ACCEPTED', 'COMPLETED', 'FAILED', 'WITHDRAWN'],
  ACCEPTED: ['COMPLETED', 'FAILED'],
  COMPLETED: [],
  FAILED: [],
  WITHDRAWN: [],
};
