import type { Id } from '../platform/ids.ts';
import type { Runtime } from '../platform/runtime.ts';
import type { Command } from './command.entity.ts';

type Take = (command: Command) => void;

/** By daemon: its connections to this instance. */
const connections = new WeakMap<Runtime, Map<Id<'daemon'>, Set<Take>>>();

/** Hears of commands that are handed over to a daemon. @returns how to stop */
export function onHandedOver(runtime: Runtime, daemonId: Id<'daemon'>, take: Take): () => void {
  const byDaemon = connections.get(runtime) ?? new Map<Id<'daemon'>, Set<Take>>();
  connections.set(runtime, byDaemon);
  const takers = byDaemon.get(daemonId) ?? new Set<Take>();
  byDaemon.set(daemonId, takers);
  takers.add(take);
  return () => {
    takers.delete(take);
    if (takers.size === 0 && byDaemon.get(daemonId) === takers) byDaemon.delete(daemonId);
  };
}

/**
 * Gives a command that was just committed to the connections that its daemon has here, which so need not read it first: that
 * takes as long as a fifth of the way from the caller to the daemon. Whoever is connected elsewhere, or was not reached, reads
 * it as ever. Only for what no command before it can be about, since it overtakes those that were not read yet.
 */
export function handOver(runtime: Runtime, command: Command): void {
  for (const take of connections.get(runtime)?.get(command.daemonId) ?? []) take(command);
}
