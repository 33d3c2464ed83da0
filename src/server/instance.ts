import { setMaxListeners } from 'node:events';
import { mkdirSync } from 'node:fs';
import { migrations } from '../../migrations/index.ts';
import { registerCommandHandlers } from '../daemons/command.service.ts';
import { tailsOf } from '../events/tail.ts';
import { finishNotes } from '../keys/last-use.ts';
import { type Clock, systemClock } from '../platform/clock.ts';
import { accessOf, type ServerConfig } from '../platform/config.ts';
import { type Database, migrate, openDatabase } from '../platform/database.ts';
import { type Doorbell, LocalDoorbell } from '../platform/doorbell.ts';
import { createLogger, type Logger } from '../platform/logger.ts';
import { PostgresDoorbell } from '../platform/postgres-doorbell.ts';
import type { Runtime } from '../platform/runtime.ts';
import { spawnHandler } from '../scheduler/spawn-command.ts';
import { rewindHandler } from '../supervisor/rewind-command.ts';
import { resumeHandler } from '../tasks/pause-task.ts';
import { createBranchHandler } from '../worktrees/create-branch.ts';
import { createPullRequestHandler } from '../worktrees/create-pull-request.ts';
import { mergeHandler } from '../worktrees/merge-task.ts';
import { entities } from './entities.ts';

export interface InstanceOptions {
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Gets the doorbell of the database and gives the one to use: a ring is only a hint, so it may lose some. */
  readonly doorbell?: (doorbell: Doorbell) => Doorbell;
  /** How long a client may leave what was sent to it unread. Milliseconds. */
  readonly stallMs?: number;
}

export interface Instance {
  readonly runtime: Runtime;
  /** Names of the migrations that this start applied. */
  readonly migrated: readonly string[];
  /** Tells whoever waits that the instance stops. */
  beginClosing(): void;
  close(): Promise<void>;
}

/** Opens what a server instance runs on, its schema up to date; nothing listens yet. */
export async function openInstance(config: ServerConfig, options: InstanceOptions = {}): Promise<Instance> {
  registerCommandHandlers({
    SPAWN_TASK: spawnHandler,
    MERGE_TASK: mergeHandler,
    RESUME_TASK: resumeHandler,
    REWIND_WORKTREE: rewindHandler,
    CREATE_BRANCH: createBranchHandler,
    CREATE_PULL_REQUEST: createPullRequestHandler,
  });
  const logger = options.logger ?? createLogger(config.logLevel);
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const db = await openDatabase(config, { entities, migrations });
  try {
    const migrated = await migrate(db, config.databaseUrl);
    const opened = await openDoorbell(config.databaseUrl, logger);
    const doorbell = options.doorbell?.(opened) ?? opened;
    const closing = new AbortController();
    // Each waiting request listens to it.
    setMaxListeners(0, closing.signal);
    const { identityProvider } = accessOf(config);
    const clock = options.clock ?? systemClock;
    const runtime: Runtime = { db, doorbell, clock, logger, closing: closing.signal, identityProvider };
    return {
      runtime,
      migrated,
      beginClosing: () => closing.abort(),
      close: () => closeInstance(runtime, db),
    };
  } catch (error) {
    await db.close();
    throw error;
  }
}

async function openDoorbell(databaseUrl: string | null, logger: Logger): Promise<Doorbell> {
  if (databaseUrl === null) return new LocalDoorbell();
  const doorbell = new PostgresDoorbell(databaseUrl, logger);
  await doorbell.open();
  return doorbell;
}

async function closeInstance(runtime: Runtime, db: Database): Promise<void> {
  await tailsOf(runtime).close();
  await finishNotes(runtime);
  await runtime.doorbell.close();
  await db.close();
}
