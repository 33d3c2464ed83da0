import type { DaemonContractsQuery } from '../../client/generated/graphql.ts';

/** One call of the query `daemonContracts`. */
export type AskContracts = (contractIds: string[]) => Promise<DaemonContractsQuery['daemonContracts']>;

/** As many as the server takes at once. */
const AT_ONCE = 1_000;

/** When each of the contracts ended, null for an open one; those that the server says nothing of are left out. */
export async function contractEnds(
  ask: AskContracts,
  contractIds: readonly string[],
): Promise<ReadonlyMap<string, Date | null>> {
  const ends = new Map<string, Date | null>();
  for (let at = 0; at < contractIds.length; at += AT_ONCE) {
    for (const { contractId, endedAt } of await ask(contractIds.slice(at, at + AT_ONCE)))
      ends.set(contractId, endedAt === null ? null : new Date(endedAt));
  }
  return ends;
}
