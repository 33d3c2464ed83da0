import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CancelTaskPayload, SpawnTaskPayload } from '../platform/protocol.ts';
import type { Agent, AgentExit, AgentProcess } from './agents/agent.ts';
import { type RunProcesses, stopProcesses } from './agents/process-group.ts';
import { complain, finish } from './finishing.ts';
import { removeTree } from './git/stage.ts';
import { type OutputEntry, summaryOf } from './output.ts';
import { reportAfterOutput, reportRunning } from './reporting.ts';
import type { RunContext } from './run-context.ts';
import { conversationOf } from './run-conversation.ts';
import { NotRunningError, PreparationStoppedError } from './run-errors.ts';
import { type RunRecord, runKey, scratchDirectory } from './run-record.ts';
import { prepareCopy, startRunAgent } from './run-start.ts';
import { OutputSender } from './sender.ts';
import { Spool } from './spool.ts';
import type { Worktree } from './worktrees.ts';

/*
 * One attempt of a task on this daemon.
 *
 *   PREPARING  its working copy is being made
 *   RUNNING    its agent runs
 *   PARKED     its agent rests without a process, saved; it can go on in its session
 *   FINISHING  nothing of the agent runs any more; output, checkpoint and report are on their way
 *   OVER       the server knows how it ended, or has given the task to another attempt
 */
export type RunState = 'PREPARING' | 'RUNNING' | 'PARKED' | 'FINISHING' | 'OVER';

const STOP_GRACE_MS = 5_000;
const STALE_GRACE_MS = 2_000;
const CHECKPOINT_EVERY_MS = 10 * 60_000;

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

  /** @param nextOutputIndex what the server has of its output already */
  static async open(context: RunContext, record: RunRecord, nextOutputIndex = 0): Promise<TaskRun> {
    const dir = join(context.paths.spool, runKey(record.taskId, record.attempt));
    const { taskId, attempt } = record;
    const spool = await Spool.open({
      dir,
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
      const worktree = await prepareCopy(this.#context, payload, this.#preparation.signal, (text) =>
        complain(this, text),
      );
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
    if (this.#isActive) {
      await this.#end(outcome);
      this.stopPreparing();
      await this.#agent?.stop(STOP_GRACE_MS, graceSeconds * 1_000);
    }
    await this.over;
  }

  /**
   * Holds the agent where it is, and saves its working copy. One that has conversations holds no process then.
   * @throws NotRunningError when there is no agent to hold
   */
  async pause(): Promise<void> {
    await this.#presentAgent().pause();
    // One that rests has been saved when it came to rest.
    if (this.state === 'RUNNING') await this.#checkpointMeanwhile('paused');
  }

  /** @throws NotRunningError when there is no agent that could go on */
  resume(): void {
    this.#presentAgent().resume();
  }

  /** There may be something in its inbox. @throws NotRunningError when there is no agent to read it */
  notify(): void {
    this.#presentAgent().notify();
  }

  #presentAgent(): Agent {
    const isPresent = this.state === 'RUNNING' || this.state === 'PARKED';
    if (!isPresent || !this.#agent) throw new NotRunningError(this.record.taskId);
    return this.#agent;
  }

  get #isActive(): boolean {
    return this.state === 'PREPARING' || this.state === 'RUNNING' || this.state === 'PARKED';
  }

  /** Its agent holds no process any more: saves what it did, and tells the server where that is to know. */
  async park(as: 'WAITING' | 'PAUSED'): Promise<void> {
    await this.#checkpointMeanwhile(as.toLowerCase());
    await this.sender.flush();
    await this.#started;
    // Before the report, after which it may be woken at any moment.
    await this.#setParked(true);
    if (as === 'PAUSED' || this.isStale || this.record.ending !== null) return;
    const refusal = await reportAfterOutput(this, this.#context, { status: 'WAITING' });
    // Anything else than that it has been given away: it was paused, or is cancelled, at the same moment.
    if (refusal?.code === 'STALE_ATTEMPT') this.abandon();
  }

  /** Its agent goes on. */
  async unpark(): Promise<void> {
    await this.#setParked(false);
    // Its time was over while it rested.
    if (this.failure !== null) void this.#agent?.stop(STOP_GRACE_MS);
  }

  async #setParked(isParked: boolean): Promise<void> {
    if (this.state !== 'RUNNING' && this.state !== 'PARKED') return;
    this.state = isParked ? 'PARKED' : 'RUNNING';
    this.record.isParked = isParked;
    await this.#context.records.save(this.record);
  }

  /** The session in which its agent works, for another attempt to go on in. */
  async sessionIs(sessionId: string): Promise<void> {
    await this.#started;
    await reportRunning(this, this.#context, { sessionId });
  }

  /** What its agent said last is the summary of what it came to. */
  said(text: string): void {
    this.record.summary = summaryOf(text);
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
    if (this.#isActive) {
      if (this.record.ending === null && this.state !== 'PARKED') await this.#end('INTERRUPTED');
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

  async #startAgent(
    payload: SpawnTaskPayload,
    toolKey: string | null,
    worktree: Worktree | null,
  ): Promise<void> {
    const started = Promise.withResolvers<void>();
    this.#started = started.promise;
    let agent: Agent;
    try {
      agent = await startRunAgent(this.#context, {
        payload,
        toolKey,
        worktree,
        signal: this.#preparation.signal,
        onOutput: (entries) => this.#take(entries),
        onProcess: (process) => this.#remember(process),
        conversation: conversationOf(this, this.#context, payload, toolKey),
      });
    } catch (error) {
      started.resolve();
      throw error;
    }
    this.#agent = agent;
    this.state = 'RUNNING';
    void reportRunning(this, this.#context, { worktree }).then(() => started.resolve());
    void this.#watch(agent);
    this.#timer = setInterval(() => void this.#checkpointMeanwhile(), CHECKPOINT_EVERY_MS).unref();
    if (payload.timeLimitMinutes !== null) this.#limitTime(agent, payload.timeLimitMinutes);
    // Somebody wanted it to end while it was being started.
    if (this.isStale || this.#preparation.signal.aborted || this.record.ending !== null)
      void agent.stop(STALE_GRACE_MS);
  }

  async #remember({ pid, startTime }: AgentProcess): Promise<void> {
    Object.assign(this.record, { pid, startTime });
    await this.#context.records.save(this.record);
  }

  /** Ends an agent that runs for too long. Being paused counts: a limit is about when, not how much. */
  #limitTime(agent: Agent, minutes: number): void {
    const limit = setTimeout(() => {
      this.failure = `The time limit of ${minutes} ${minutes === 1 ? 'minute' : 'minutes'} is over.`;
      // The server takes no end of a task that rests: one that does ends when it is to go on.
      if (this.state !== 'PARKED') void agent.stop(STOP_GRACE_MS);
    }, minutes * 60_000).unref();
    const clear = () => clearTimeout(limit);
    agent.ended.then(clear, clear);
  }

  async #take(entries: OutputEntry[]): Promise<void> {
    const last = entries.findLast(({ type, content }) => type === 'STDOUT' && content.trim() !== '');
    if (last) this.record.summary = summaryOf(last.content);
    await this.spool.append(entries);
  }

  async #watch(agent: Agent): Promise<void> {
    let exit: AgentExit;
    try {
      exit = await agent.ended;
    } catch (error) {
      exit = { code: null, signal: null, failure: `Output of the agent was lost: ${messageOf(error)}` };
    }
    this.record.exit = { ...exit };
    await this.#started;
    await this.#context.records.save(this.record).catch(() => undefined);
    this.#finish();
  }

  async #checkpointMeanwhile(when = 'at work'): Promise<void> {
    const { worktreeId, savesCopy, taskId, attempt, name, isParked } = this.record;
    if (worktreeId === null || !savesCopy || this.isStale || isParked) return;
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
    const { paths, records, worktrees } = this.#context;
    await this.spool.remove();
    await rm(join(paths.plans, `${this.key}.md`), { force: true });
    await removeTree(scratchDirectory(paths, this.record.taskId), worktrees.user);
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
