import { Direct } from '../platform/direct.ts';
import type { Id } from '../platform/ids.ts';
import type { Runtime } from '../platform/runtime.ts';
import type { Command } from './command.entity.ts';

/** By daemon: to its connections to this instance. */
const commands = new Direct<Id<'daemon'>, Command>();

/** Hears of commands that are handed over to a daemon. @returns how to stop */
export function onHandedOver(
  runtime: Runtime,
  daemonId: Id<'daemon'>,
  take: (command: Command) => void,
): () => void {
  return commands.onGiven(runtime, daemonId, take);
}

/**
 * Gives a command that was just committed to the connections that its daemon has here, which so need not read it first: that
 * takes as long as a fifth of the way from the caller to the daemon. Whoever is connected elsewhere, or was not reached, reads
 * it as ever. Only for what no command before it can be about, since it overtakes those that were not read yet.
 */
export function handOver(runtime: Runtime, command: Command): void {
  commands.give(runtime, command.daemonId, command);
}
