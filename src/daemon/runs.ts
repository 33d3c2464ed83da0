import { ApiError } from '../client/errors.ts';
import type { TaskStatus } from '../client/generated/graphql.ts';
import type { SpawnTaskPayload } from '../platform/protocol.ts';
import { leftBehind } from './agents/process-group.ts';
import type { Registered } from './api.ts';
import type { RunContext } from './run-context.ts';
import { type RunRecord, runKey } from './run-record.ts';
import { stopLeftover, TaskRun } from './task-run.ts';

/** A command that started an attempt may still be on its way when the server already counts it as ours. */
const COMMAND_MAY_COME_MS = 3_000;
/** Without a process they are nobody's: who is woken is started anew. */
const RESTING: ReadonlySet<TaskStatus> = new Set(['PAUSED', 'WAITING']);

export interface RunsOptions {
  readonly context: RunContext;
  /** Whether a command to start this attempt has come. */
  readonly isStarting: (taskId: string, attempt: number) => boolean;
}

/** The attempts on this daemon: those it runs, and those that a daemon before it left unfinished. */
export class Runs {
  readonly #options: RunsOptions;
  readonly #runs = new Map<string, TaskRun>();
  readonly #leftovers = new Map<string, Promise<void>>();
  /** Leftovers that report their end. One that rested reports none, though it may have been woken meanwhile. */
  readonly #reported = new Set<string>();
  #records: RunRecord[] = [];
  #isStopping = false;

  constructor(options: RunsOptions) {
    this.#options = options;
  }

  get(taskId: string, attempt: number): TaskRun | undefined {
    return this.#runs.get(runKey(taskId, attempt));
  }

  /** Ends every process that a daemon before this one left: an agent never runs unseen. */
  async stopLeftovers(): Promise<void> {
    const { context } = this.#options;
    this.#records = await context.records.all();
    await Promise.all(
      this.#records.map(async (record) => {
        const { taskId, attempt, pid, startTime } = record;
        await stopLeftover(
          leftBehind({ pid, startTime, runId: runKey(taskId, attempt), user: context.agentUser }),
        );
      }),
    );
  }

  /** Starts an attempt. @throws the reason why there is no agent, which was reported as well */
  async start(payload: SpawnTaskPayload, toolKey: string | null): Promise<void> {
    const { context } = this.#options;
    const { taskId } = payload;
    // Never two attempts of a task at once: they may share a working copy.
    for (const older of this.#runs.values()) {
      if (older.record.taskId !== taskId) continue;
      older.abandon();
      await older.over;
    }
    const run = await TaskRun.open(context, newRecord(payload));
    this.#add(run);
    if (this.#isStopping) run.stopPreparing();
    await run.start(payload, toolKey);
  }

  /** Whether a daemon before this one left that attempt; resolves when its end was reported. */
  async waitForLeftover(taskId: string, attempt: number): Promise<boolean> {
    const leftover = this.#leftovers.get(runKey(taskId, attempt));
    await leftover;
    return leftover !== undefined;
  }

  /** To be called before registering; its result takes the server's view of what this daemon has. */
  beforeRegistration(): (registered: Registered) => void {
    const had = [...this.#runs.values()];
    return ({ tasks }) => {
      const current = new Map(tasks.map((each) => [runKey(each.task.id, each.attempt), each]));
      for (const run of had) if (!current.has(run.key)) run.abandon();
      for (const record of this.#records) {
        const key = runKey(record.taskId, record.attempt);
        if (!record.isParked) this.#reported.add(key);
        this.#leftovers.set(key, this.#finishLeftover(record, current.get(key)?.nextOutputIndex));
      }
      this.#records = [];
      for (const { task, attempt, nextOutputIndex } of tasks) {
        const key = runKey(task.id, attempt);
        if (this.#runs.has(key) || this.#reported.has(key) || RESTING.has(task.status)) continue;
        setTimeout(
          () => void this.#giveBackUnknown(task.id, attempt, nextOutputIndex),
          COMMAND_MAY_COME_MS,
        ).unref();
      }
    };
  }

  /**
   * Stops every agent and gives its task back. Resolves when all were reported, or are left to the next
   * start.
   */
  async interruptAll(graceMs: number): Promise<void> {
    this.#isStopping = true;
    await Promise.allSettled([...this.#runs.values()].map((run) => run.interrupt(graceMs)));
    await Promise.allSettled(this.#leftovers.values());
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#runs.values()].map((run) => run.over));
  }

  async #finishLeftover(record: RunRecord, nextOutputIndex: number | undefined): Promise<void> {
    const { context } = this.#options;
    const { taskId, attempt } = record;
    try {
      const run = await TaskRun.open(context, record, nextOutputIndex);
      context.logger.info({ taskId, attempt, exit: record.exit }, 'finishing what an earlier daemon left');
      this.#add(run);
      await run.finishLeftover(nextOutputIndex === undefined);
    } catch (error) {
      if (!context.signal.aborted)
        context.logger.error({ err: error, taskId, attempt }, 'an earlier run could not be finished');
    }
  }

  async #giveBackUnknown(taskId: string, attempt: number, nextOutputIndex: number): Promise<void> {
    const { context, isStarting } = this.#options;
    await this.waitForLeftover(taskId, attempt);
    if (this.get(taskId, attempt) || isStarting(taskId, attempt) || context.signal.aborted) return;
    context.logger.warn({ taskId, attempt }, 'the server counts on a task that is not here, giving it back');
    const errorMessage = 'The daemon does not have this task any more.';
    try {
      await context.api.reportTask({
        taskId,
        attempt,
        status: 'INTERRUPTED',
        outputCount: nextOutputIndex,
        errorMessage,
      });
    } catch (error) {
      if (!(error instanceof ApiError) && !context.signal.aborted) throw error;
    }
  }

  #add(run: TaskRun): void {
    this.#runs.set(run.key, run);
    const forget = () => void this.#runs.delete(run.key);
    run.over.then(forget, forget);
  }
}

function newRecord(payload: SpawnTaskPayload): RunRecord {
  const { taskId, attempt, contractId, name, role, repository, localOnly, targetRepoPath, worktree } =
    payload;
  return {
    taskId,
    attempt,
    contractId,
    name,
    role,
    repository,
    localOnly,
    targetRepoPath,
    worktreeId: worktree?.id ?? null,
    savesCopy: worktree !== null && (worktree.mode === 'OWN' || role === 'SUPERVISOR'),
    pid: null,
    startTime: null,
    exit: null,
    ending: null,
    summary: null,
    isParked: false,
  };
}
