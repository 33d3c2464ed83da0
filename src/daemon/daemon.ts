import { mkdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { TaskmeshClient } from '../client/client.ts';
import { lockDataDirectory } from '../platform/data-lock.ts';
import { environmentOf, findAgentUser } from './agent-user.ts';
import { writeShim } from './agents/environment.ts';
import { DaemonApi, type Registered } from './api.ts';
import { Checkpoints, downloadCheckpoint } from './checkpoints.ts';
import { cleanUpRegularly } from './cleaning/regularly.ts';
import { Commands } from './commands.ts';
import { Connection } from './connection.ts';
import { prepareDataDirectory } from './data-directory.ts';
import { dataPaths } from './files.ts';
import { commandHandlers } from './handlers.ts';
import { Journal } from './journal.ts';
import type { DaemonOptions, RunningDaemon } from './options.ts';
import { Repositories } from './repositories.ts';
import { HandBack, type RunContext } from './run-context.ts';
import { RunRecords } from './run-record.ts';
import { Runs } from './runs.ts';
import { Worktrees } from './worktrees.ts';

export type { DaemonOptions, RunningDaemon } from './options.ts';

/** Agents get this long to end when the daemon is stopped. */
const STOP_GRACE_MS = 3_000;
/** All of a stop, also with a server that does not answer. A service manager kills after 10 s. */
const STOP_WITHIN_MS = 9_000;
const DISCONNECT_TIMEOUT_MS = 1_500;
const ANSWERS_MS = 500;
const KEEP_DAYS = 7;
const SPOOL_LIMIT_BYTES = 256 * 1024 * 1024;

/**
 * Starts a worker. Resolves once the server knows it, and waits for a server that is not there yet.
 * @throws DaemonStoppedError when the server refuses the key or the registration
 * @throws DomainError when another daemon uses the data directory
 */
export async function startDaemon(options: DaemonOptions): Promise<RunningDaemon> {
  const paths = dataPaths(options.dataDir);
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const unlock = lockDataDirectory(paths.lock);
  try {
    return await run(options, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

async function run(options: DaemonOptions, unlock: () => void): Promise<RunningDaemon> {
  const { logger, serverUrl, key } = options;
  const paths = dataPaths(options.dataDir);
  const agentUser = options.agentUser === undefined ? null : await findAgentUser(options.agentUser);
  await prepareDataDirectory({ ...options, paths }, agentUser);
  if (!agentUser && process.getuid?.() === 0)
    logger.warn('agents run as root: start the daemon as another user, or with --agent-user');
  const ending = new AbortController();
  const { signal } = ending;
  const api = new DaemonApi(new TaskmeshClient({ url: serverUrl, key }), logger, signal);
  const journal = await Journal.open(paths.journal, {
    onWriteError: (err) => logger.error({ err }, 'the journal cannot be written to disk, commands wait'),
  });
  const repositories = new Repositories({
    mirrorsDir: paths.mirrors,
    bundlesDir: paths.uploads,
    localPaths: options.localPaths,
    download: (checkpointId, parts, file) => downloadCheckpoint(api, checkpointId, parts, file),
  });
  const worktrees = new Worktrees({ dir: paths.worktrees, repositories, user: agentUser ?? undefined });
  const context: RunContext = {
    api,
    repositories,
    worktrees,
    checkpoints: new Checkpoints({ api, worktrees, uploadsDir: paths.uploads, signal }),
    records: new RunRecords(paths.runs),
    paths,
    profiles: options.profiles,
    baseEnv: agentUser ? environmentOf(agentUser, options.baseEnv) : options.baseEnv,
    agentUser,
    binDir: await writeShim(options.dataDir, options.cliPath),
    cliPath: options.cliPath,
    version: options.version,
    serverUrl,
    spoolLimitBytes: options.spoolLimitBytes ?? SPOOL_LIMIT_BYTES,
    github: options.github ?? null,
    logger,
    handBack: new HandBack(),
    signal,
  };

  const runs = new Runs({ context, isStarting: (taskId, attempt) => commands.isStarting(taskId, attempt) });
  await runs.stopLeftovers();
  const first = Promise.withResolvers<Registered>();
  const connection = new Connection({
    serverUrl,
    key,
    api,
    registration: {
      name: options.name,
      hostname: options.hostname,
      version: options.version,
      agents: Object.keys(options.profiles),
      localPaths: [...options.localPaths],
      maxConcurrentTasks: options.maxConcurrentTasks ?? 4,
    },
    onRegister: () => {
      const reconcile = runs.beforeRegistration();
      return (registered) => {
        reconcile(registered);
        first.resolve(registered);
      };
    },
    onCommand: (command) => commands.receive(command),
    logger,
  });
  const commands: Commands = new Commands({
    journal,
    api,
    epochs: connection,
    handlers: commandHandlers(context, runs),
    onReceived: ({ type, task, attempt }) => {
      // Otherwise it would wait, behind the start of the same task, for a clone that takes its time.
      if (type === 'CANCEL_TASK' && task && attempt !== null) runs.get(task.id, attempt)?.stopPreparing();
    },
    logger,
    signal,
  });

  const end = async (isOrderly: boolean): Promise<void> => {
    const giveUp = setTimeout(() => ending.abort(stopReason()), STOP_WITHIN_MS - DISCONNECT_TIMEOUT_MS);
    const over = aborted(signal);
    context.handBack.isWanted = isOrderly;
    const idle = commands.stop();
    await Promise.race([runs.interruptAll(STOP_GRACE_MS), over]);
    // Answers are on their way at most; a merge may be at work for longer, and is found out about at the next
    // start.
    await Promise.race([idle, over, delay(ANSWERS_MS, undefined, { ref: false })]);
    clearTimeout(giveUp);
    const { epoch } = connection;
    connection.stop();
    context.handBack.settle(isOrderly && epoch !== undefined && (await disconnect(epoch)));
    await Promise.race([runs.settled(), over, delay(ANSWERS_MS, undefined, { ref: false })]);
    ending.abort(stopReason());
    await Promise.race([idle, delay(ANSWERS_MS, undefined, { ref: false })]);
    await journal.close();
    unlock();
  };
  const disconnect = async (epoch: number): Promise<boolean> => {
    try {
      await api.disconnect(epoch, DISCONNECT_TIMEOUT_MS);
      return true;
    } catch (error) {
      logger.warn({ err: error }, 'not disconnected: the server will find out by itself');
      return false;
    }
  };

  let stopping: Promise<void> | undefined;
  const connected = connection.run();
  const stopped = connected.then(
    () => stopping,
    async (error: unknown) => {
      logger.error({ err: error }, 'the daemon ends');
      first.reject(error);
      stopping ??= end(false);
      await stopping;
      throw error;
    },
  );
  stopped.catch(() => undefined);

  const { daemon } = await first.promise.catch(async (error: unknown) => {
    await stopped.catch(() => undefined);
    throw error;
  });
  void cleanUpRegularly(context, options.keepDays ?? KEEP_DAYS);
  const stop = (): Promise<void> => {
    stopping ??= end(true);
    return stopping;
  };
  return { id: daemon.id, name: daemon.name, stop, stopped };
}

function stopReason(): Error {
  return new Error('The daemon was stopped.');
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
