import { TaskmeshClient } from '../../client/client.ts';
import { DaemonContractsDocument } from '../../client/generated/graphql.ts';
import { lockDataDirectory } from '../../platform/data-lock.ts';
import { DomainError } from '../../platform/errors.ts';
import { markOf } from '../data-directory.ts';
import { dataPaths } from '../files.ts';
import { Repositories } from '../repositories.ts';
import { RunRecords } from '../run-record.ts';
import { Worktrees } from '../worktrees.ts';
import { type CleanUpEntry, cleanUp } from './clean-up.ts';
import { contractEnds } from './contract-ends.ts';
import { DAY_MS } from './regularly.ts';

export interface CleanByHandOptions {
  readonly serverUrl: string;
  readonly key: string;
  readonly dataDir: string;
  readonly keepDays: number;
  readonly dryRun: boolean;
  readonly unknownToo: boolean;
  readonly signal: AbortSignal;
}

const ASK_TIMEOUT_MS = 30_000;

/**
 * Cleans up a data directory that no daemon uses.
 * @throws DomainError when one does: it cleans up by itself, and knows what it is at
 * @throws ApiError, UnreachableError when the server does not say which contracts are over
 */
export async function cleanByHand(options: CleanByHandOptions): Promise<CleanUpEntry[]> {
  const { serverUrl, key, dataDir, keepDays, dryRun, unknownToo, signal } = options;
  const paths = dataPaths(dataDir);
  const unlock = lock(paths.lock, dataDir);
  const client = new TaskmeshClient({ url: serverUrl, key });
  try {
    const repositories = new Repositories({
      mirrorsDir: paths.mirrors,
      bundlesDir: paths.uploads,
      localPaths: [],
      download: () => Promise.reject(new Error('Nothing is restored while the disk is cleaned up.')),
    });
    return await cleanUp({
      paths,
      worktrees: new Worktrees({ dir: paths.worktrees, repositories, user: await markOf(dataDir) }),
      records: new RunRecords(paths.runs),
      endOf: (ids) =>
        contractEnds(async (contractIds) => {
          const call = { timeoutMs: ASK_TIMEOUT_MS, signal };
          return (await client.request(DaemonContractsDocument, { contractIds }, call)).daemonContracts;
        }, ids),
      keepMs: keepDays * DAY_MS,
      mirrorKeepMs: keepDays * DAY_MS,
      dryRun,
      unknownToo,
      now: () => new Date(),
      signal,
    });
  } finally {
    await client.close();
    unlock();
  }
}

function lock(file: string, dataDir: string): () => void {
  try {
    return lockDataDirectory(file);
  } catch (error) {
    if (!(error instanceof DomainError) || error.extensions.pid === undefined) throw error;
    throw new DomainError(
      'INVALID_INPUT',
      `A daemon runs on ${dataDir} (process ${error.extensions.pid}). It cleans up by itself, when it starts and every hour; its log says what it removed. Stop it to do it by hand.`,
      { field: 'dataDir', extensions: { pid: error.extensions.pid } },
    );
  }
}
