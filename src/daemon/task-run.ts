import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { CancelTaskPayload, SpawnTaskPayload } from '../platform/protocol.ts';
import type { Agent, AgentExit } from './agents/agent.ts';
import { agentEnvironment } from './agents/environment.ts';
import { type RunProcesses, stopProcesses } from './agents/process-group.ts';
import { startAgent } from './agents/start.ts';
import { finish } from './finishing.ts';
import { type OutputEntry, summaryOf } from './output.ts';
import type { RunContext } from './run-context.ts';
import { type RunRecord, runKey } from './run-record.ts';
import { OutputSender } from './sender.ts';
import { Spool } from './spool.ts';
import type { Worktree } from './worktrees.ts';

/*
 * One attempt of a task on this daemon.
 *
 *   PREPARING  its working copy is being made
 *   RUNNING    its agent runs
 *   FINISHING  nothing of the agent runs any more; output, checkpoint and report are on their way
 *   OVER       the server knows how it ended, or has given the task to another attempt
 */
export type RunState = 'PREPARING' | 'RUNNING' | 'FINISHING' | 'OVER';

const STOP_GRACE_MS = 5_000;
const STALE_GRACE_MS = 2_000;
const CHECKPOINT_EVERY_MS = 10 * 60_000;

/** The task had to end before its agent was started. */
export class PreparationStoppedError extends Error {
  override readonly name = 'PreparationStoppedError';
  readonly code = 'INTERRUPTED';

  constructor() {
    super('The task was stopped before its agent was started.');
  }
}

/** There is no agent of that attempt here. */
export class NotRunningError extends Error {
  override readonly name = 'NotRunningError';
  readonly code = 'NOT_RUNNING';

  constructor(taskId: string) {
    super(`No agent of task ${taskId} runs on this daemon.`);
  }
}

export class TaskRun {
  readonly record: RunRecord;
  readonly spool: Spool;
  readonly sender: OutputSender;
  state: RunState = 'PREPARING';
  /** Its attempt does not count any more: nothing but its output is of interest. */
  isStale = false;
  /** Why the preparation failed; reported in place of how the agent ended. */
  failure: string | null = null;
  /**
   * Resolves when it is OVER; rejects when the daemon stopped first and the rest is left to the next start.
   */
  readonly over: Promise<void>;
  readonly #context: RunContext;
  readonly #preparation = new AbortController();
  readonly #over = Promise.withResolvers<void>();
  readonly #ready = Promise.withResolvers<void>();
  #agent: Agent | undefined;
  #started: Promise<void> = Promise.resolve();
  #finishing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  private constructor(context: RunContext, record: RunRecord, spool: Spool) {
    this.#context = context;
    this.record = record;
    this.spool = spool;
    this.over = this.#over.promise;
    this.over.catch(() => undefined);
    this.sender = new OutputSender({
      taskId: record.taskId,
      attempt: record.attempt,
      spool,
      append: (input) => context.api.appendOutput(input),
      onStale: () => this.abandon(),
      logger: context.logger,
      signal: context.signal,
    });
  }

  /** @param nextOutputIndex where the output goes on when its spool was lost with the disk */
  static async open(context: RunContext, record: RunRecord, nextOutputIndex = 0): Promise<TaskRun> {
    const file = join(context.paths.spool, `${runKey(record.taskId, record.attempt)}.jsonl`);
    const { taskId, attempt } = record;
    const spool = await Spool.open({
      file,
      limitBytes: context.spoolLimitBytes,
      firstIndex: nextOutputIndex,
      onWriteError: (err) =>
        context.logger.error({ err, taskId, attempt }, 'output cannot be written to disk, its agent waits'),
    });
    return new TaskRun(context, record, spool);
  }

  get key(): string {
    return runKey(this.record.taskId, this.record.attempt);
  }

  /**
   * Prepares the working copy, starts the agent, and reports it. What fails is reported as well.
   * @throws the reason why there is no agent
   */
  async start(payload: SpawnTaskPayload, toolKey: string | null): Promise<void> {
    try {
      await this.#context.records.save(this.record);
      const worktree = await this.#prepare(payload);
      await this.#startAgent(payload, toolKey, worktree);
    } catch (error) {
      const stopped = this.#preparation.signal.aborted;
      if (stopped && this.record.ending === null) await this.#end('INTERRUPTED');
      if (!stopped) this.failure = messageOf(error);
      await this.#agent?.stop(STALE_GRACE_MS);
      this.#finish();
      throw stopped ? new PreparationStoppedError() : error;
    }
    await this.#started;
  }

  /** Ends a preparation that is under way; an agent that runs is not touched. */
  stopPreparing(): void {
    if (this.state === 'PREPARING') this.#preparation.abort(new PreparationStoppedError());
  }

  /** Waits for the agent to end by itself for so long, then ends it. Resolves when the end was reported. */
  async cancel({ graceSeconds, outcome }: CancelTaskPayload): Promise<void> {
    if (this.state === 'PREPARING' || this.state === 'RUNNING') {
      await this.#end(outcome);
      this.stopPreparing();
      const agent = this.#agent;
      if (agent && graceSeconds > 0)
        await Promise.race([agent.exited, delay(graceSeconds * 1_000, undefined, { ref: false })]);
      await agent?.stop(STOP_GRACE_MS);
    }
    await this.over;
  }

  /**
   * Holds the agent where it is, and saves its working copy.
   * @throws NotRunningError when there is no agent to hold
   */
  async pause(): Promise<void> {
    this.#runningAgent().pause();
    await this.#checkpointMeanwhile('paused');
  }

  /** @throws NotRunningError when there is no agent that could go on */
  resume(): void {
    this.#runningAgent().resume();
  }

  #runningAgent(): Agent {
    if (this.state !== 'RUNNING' || !this.#agent) throw new NotRunningError(this.record.taskId);
    return this.#agent;
  }

  /** All is saved and it only waits to be given back with the others, see HandBack. */
  setReady(): void {
    this.#ready.resolve();
  }

  /**
   * Stops the agent and gives the task back. Resolves when that is done or only waits for the others.
   * Milliseconds.
   */
  async interrupt(graceMs: number): Promise<void> {
    if (this.state === 'PREPARING' || this.state === 'RUNNING') {
      if (this.record.ending === null) await this.#end('INTERRUPTED');
      this.stopPreparing();
      await this.#agent?.stop(graceMs);
    }
    await Promise.race([this.over, this.#ready.promise]);
  }

  /** The server has given the task to another attempt: stops the agent, sends its output, reports nothing. */
  abandon(): void {
    if (this.isStale || this.state === 'OVER') return;
    this.isStale = true;
    this.stopPreparing();
    this.#context.logger.warn(
      { taskId: this.record.taskId, attempt: this.record.attempt },
      'attempt is not the current one, stopping its agent',
    );
    this.#agent?.stop(STALE_GRACE_MS).catch(() => undefined);
  }

  /** Ends what a daemon before this one left: its processes are gone already. */
  finishLeftover(isStale: boolean): Promise<void> {
    this.isStale = isStale;
    this.#finish();
    return this.over;
  }

  async #prepare(payload: SpawnTaskPayload): Promise<Worktree | null> {
    const { signal } = this.#preparation;
    const { worktrees } = this.#context;
    if (payload.worktree === null) return null;
    if (payload.worktree.mode === 'SHARED') return worktrees.get(payload.worktree.id);
    return worktrees.create(payload, AbortSignal.any([signal, this.#context.signal]));
  }

  async #startAgent(
    payload: SpawnTaskPayload,
    toolKey: string | null,
    worktree: Worktree | null,
  ): Promise<void> {
    const { paths, profiles, baseEnv, binDir, serverUrl, records } = this.#context;
    const profile = Object.hasOwn(profiles, payload.agent) ? profiles[payload.agent] : undefined;
    if (!profile) {
      throw new Error(
        `This daemon has no agent profile ${payload.agent}; it has ${Object.keys(profiles).join(', ')}. Add it, or name another.`,
      );
    }
    const planFile = join(paths.plans, `${this.key}.md`);
    await mkdir(paths.plans, { recursive: true, mode: 0o700 });
    await writeFile(planFile, payload.plan, { mode: 0o600 });
    const cwd = worktree?.copy.path ?? join(paths.scratch, this.key);
    if (!worktree) await mkdir(cwd, { recursive: true, mode: 0o700 });
    this.#preparation.signal.throwIfAborted();

    const { taskId, contractId } = payload;
    const runId = this.key;
    const env = agentEnvironment({
      baseEnv,
      binDir,
      serverUrl,
      toolKey,
      taskId,
      contractId,
      runId,
      plan: payload.plan,
      planFile,
      recovery: payload.recovery,
    });
    if (payload.recovery !== null) {
      const createdAt = new Date().toISOString();
      await this.#take([{ type: 'SYSTEM', content: payload.recovery, createdAt }]);
    }
    const onOutput = (entries: OutputEntry[]) => this.#take(entries);
    const agent = await startAgent(profile, { plan: payload.plan, planFile, cwd, env, runId, onOutput });
    this.#agent = agent;
    this.state = 'RUNNING';
    Object.assign(this.record, { pid: agent.pid, startTime: agent.startTime });
    await records.save(this.record);
    this.#started = this.#reportRunning(worktree);
    void this.#watch(agent);
    this.#timer = setInterval(() => void this.#checkpointMeanwhile(), CHECKPOINT_EVERY_MS).unref();
    if (payload.timeLimitMinutes !== null) this.#limitTime(agent, payload.timeLimitMinutes);
    // Somebody wanted it to end while it was being started.
    if (this.isStale || this.#preparation.signal.aborted || this.record.ending !== null)
      void agent.stop(STALE_GRACE_MS);
  }

  /** Ends an agent that runs for too long. Being paused counts: a limit is about when, not how much. */
  #limitTime(agent: Agent, minutes: number): void {
    const limit = setTimeout(() => {
      this.failure = `The time limit of ${minutes} ${minutes === 1 ? 'minute' : 'minutes'} is over.`;
      agent.stop(STOP_GRACE_MS).catch(() => undefined);
    }, minutes * 60_000).unref();
    void agent.exited.then(() => clearTimeout(limit));
  }

  async #take(entries: OutputEntry[]): Promise<void> {
    const last = entries.findLast(({ type, content }) => type === 'STDOUT' && content.trim() !== '');
    if (last) this.record.summary = summaryOf(last.content);
    await this.spool.append(entries);
  }

  async #reportRunning(worktree: Worktree | null): Promise<void> {
    const { taskId, attempt } = this.record;
    const place = worktree && {
      id: worktree.record.worktreeId,
      path: worktree.copy.path,
      branch: worktree.copy.branch,
      baseBranch: worktree.record.baseBranch,
      baseSha: worktree.copy.baseSha,
    };
    try {
      await this.#context.api.reportTask({
        taskId,
        attempt,
        status: 'RUNNING',
        outputCount: 0,
        worktree: place,
      });
    } catch (error) {
      if (this.#context.signal.aborted) return;
      if ((error as { code?: unknown }).code === 'STALE_ATTEMPT') this.abandon();
      else this.#context.logger.warn({ err: error, taskId, attempt }, 'the start of the task was not taken');
    }
  }

  async #watch(agent: Agent): Promise<void> {
    let exit: AgentExit;
    try {
      exit = await agent.ended;
    } catch (error) {
      exit = await agent.exited;
      this.failure = `Output of the agent was lost: ${messageOf(error)}`;
    }
    this.record.exit = exit;
    await this.#started;
    await this.#context.records.save(this.record).catch(() => undefined);
    this.#finish();
  }

  async #checkpointMeanwhile(when = 'at work'): Promise<void> {
    const { worktreeId, savesCopy, taskId, attempt, name } = this.record;
    if (worktreeId === null || !savesCopy || this.isStale) return;
    const { checkpoints, logger, signal } = this.#context;
    try {
      await checkpoints.make({ worktreeId, taskId, attempt, message: `Task ${name}: ${when}` });
    } catch (error) {
      if (!signal.aborted)
        logger.warn({ err: error, taskId, attempt }, 'no checkpoint could be made of a running task');
    }
  }

  async #end(ending: NonNullable<RunRecord['ending']>): Promise<void> {
    this.record.ending = ending;
    await this.#context.records.save(this.record);
  }

  #finish(): void {
    this.state = 'FINISHING';
    clearInterval(this.#timer);
    this.#finishing ??= finish(this, this.#context).then(
      () => {
        this.state = 'OVER';
        this.#over.resolve();
      },
      (error: unknown) => {
        this.state = 'OVER';
        this.#over.reject(error);
      },
    );
  }

  /** Deletes what only a run that is not over needs. */
  async cleanUp(): Promise<void> {
    const { paths, records } = this.#context;
    await this.spool.remove();
    await rm(join(paths.plans, `${this.key}.md`), { force: true });
    await rm(join(paths.scratch, this.key), { recursive: true, force: true });
    await records.remove(this.record);
  }
}

/** Ends the processes that a killed daemon left of a run. */
export function stopLeftover(run: RunProcesses): Promise<void> {
  return stopProcesses(run, 1_000);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
