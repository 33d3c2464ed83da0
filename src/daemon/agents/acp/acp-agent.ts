import { setTimeout as delay } from 'node:timers/promises';
import type { Agent, AgentExit, AgentStart } from '../agent.ts';
import type { Conversation, InboxMessage } from '../conversation.ts';
import { exitText } from '../exit-text.ts';
import type { AcpProfile } from '../profiles.ts';
import { AgentFailure, messageOf } from './failures.ts';
import { PendingRequests } from './pending-requests.ts';
import { AcpProcess } from './process.ts';
import { delivery, nextRound, onward, opening, type Prompt, watched } from './prompts.ts';
import { clientApp } from './requests.ts';
import { type AcpSession, openSession } from './session.ts';
import { entry, SessionLog } from './session-log.ts';
import { Transcript } from './transcript.ts';
import { promptEntries, type StopReason, turnEntry, turnFailure } from './turns.ts';

/*
 * An agent that has conversations works in stretches. A stretch is one process: it is started, opens the
 * session, is told things turn by turn, and ends. Between two stretches the agent rests, without a process,
 * until it is told to go on, in the same session where it can.
 *
 *   DONE      it is done with its task
 *   WAITING   a supervisor's turn ended, and there is nothing to tell it
 *   PAUSED    it was asked to pause
 *   STOPPED   it was asked to end
 */
type End = 'DONE' | 'WAITING' | 'PAUSED' | 'STOPPED';

/** A call of a tool gets so long to end before a pause cuts it off. */
const TOOL_MS = 10_000;
/** A turn that is cancelled gets so long to end. */
const CANCEL_MS = 5_000;
/** What comes after a turn: asking the server whether it was the last. */
const SETTLE_MS = 5_000;
const GRACE_MS = 3_000;

const STOPPED: AgentExit = { code: null, signal: 'SIGTERM' };

/** @throws AgentStartError when there is no such executable or it may not be run */
export async function startAcpAgent(profile: AcpProfile, start: AgentStart): Promise<Agent> {
  const agent = new AcpAgent(profile, start);
  await agent.start();
  return agent;
}

class AcpAgent implements Agent {
  readonly ended: Promise<AgentExit>;
  readonly #profile: AcpProfile;
  readonly #start: AgentStart;
  readonly #conversation: Conversation;
  readonly #log: SessionLog;
  readonly #transcript: Transcript;
  readonly #pending = new PendingRequests();
  readonly #ended = Promise.withResolvers<AgentExit>();
  /** Ends the present stretch at once. */
  #halt = new AbortController();
  #session: AcpSession | undefined;
  #sessionId: string | null;
  /** Settles when the turn under way is over; undefined between turns. */
  #turn: Promise<unknown> | undefined;
  #prompts = 0;
  #rounds = 0;
  #watchedUpTo: number;
  /** What the person said that the agent could not be told at once. */
  #untold: InboxMessage[] = [];
  /** Whether its turn was cancelled. */
  #isCut = false;
  #isPausing = false;
  #isStopping = false;
  #graceMs = GRACE_MS;
  #isResting = false;
  /** Whether it is to go on as soon as it rests. */
  #isResumed = false;
  /** Wakes one that rests. */
  #wake: () => void = () => undefined;
  /** Resolves each time it has come to rest. */
  #rested = Promise.withResolvers<void>();
  #isNotified = false;
  /** Ends the waiting for output of others. */
  #idle: AbortController | undefined;

  constructor(profile: AcpProfile, start: AgentStart) {
    this.#profile = profile;
    this.#start = start;
    this.#conversation = start.conversation;
    const { task } = start.conversation;
    this.#sessionId = task.session?.id ?? null;
    this.#watchedUpTo = task.watch?.afterSequence ?? 0;
    this.#transcript = new Transcript(task.conversation);
    this.#log = new SessionLog({
      append: (entries) => {
        this.#transcript.take(entries);
        return start.onOutput(entries);
      },
      onSaid: (text) => start.conversation.onSaid(text),
      onUsage: (usage) => start.conversation.onUsage(usage),
    });
    this.ended = this.#ended.promise;
  }

  async start(): Promise<void> {
    const process = await this.#startProcess();
    this.#work(process).then(
      (exit) => this.#ended.resolve(exit),
      (error: unknown) => this.#ended.resolve({ code: null, signal: null, failure: messageOf(error) }),
    );
  }

  async stop(graceMs: number, patienceMs = 0): Promise<void> {
    this.#isStopping = true;
    // A part of it for its turn to end, the rest for its processes.
    this.#graceMs = (graceMs * 2) / 3;
    this.#wake();
    if (!this.#turn) this.#halt.abort(new Error('The agent was stopped.'));
    if (patienceMs > 0) await this.#within(patienceMs);
    if (graceMs > 0) await this.#cancelTurn(graceMs / 3);
    this.#halt.abort(new Error('The agent was stopped.'));
    await this.ended;
  }

  async pause(): Promise<void> {
    this.#isResumed = false;
    if (this.#isResting) return;
    this.#isPausing = true;
    const rested = this.#rested.promise;
    if (this.#turn) {
      // One that waits for the person may wait for hours: it is asked again after the pause.
      if (!this.#pending.isAny) await this.#within(TOOL_MS, this.#log.tools.idle(), this.#turn);
      await this.#cancelTurn(CANCEL_MS);
      await this.#within(SETTLE_MS, rested);
    }
    this.#halt.abort(new Error('The agent was paused.'));
    await Promise.race([rested, this.ended]);
  }

  resume(): void {
    this.#isResumed = true;
    this.#wake();
    this.notify();
  }

  notify(): void {
    this.#isNotified = true;
    this.#idle?.abort();
  }

  /** Until the work has ended, one of these has settled, or the time is over. */
  async #within(ms: number, ...sooner: Promise<unknown>[]): Promise<void> {
    const over = new AbortController();
    const time = delay(ms, undefined, { ref: false, signal: over.signal }).catch(() => undefined);
    await Promise.race([this.ended, time, ...sooner]);
    over.abort();
  }

  async #cancelTurn(withinMs: number): Promise<void> {
    const turn = this.#turn;
    if (!turn) return;
    this.#isCut = true;
    this.#pending.cancelAll();
    await this.#within(withinMs, Promise.all([this.#session?.cancel(), turn]));
  }

  #startProcess(): Promise<AcpProcess> {
    const { ask } = this.#conversation;
    const tell = (content: string) => void this.#untold.push({ number: 0, sender: 'PERSON', content });
    const { permissions: policy } = this.#profile;
    const app = clientApp({ policy, log: this.#log, ask, tell, pending: this.#pending });
    return AcpProcess.start({ profile: this.#profile, start: this.#start, log: this.#log, app });
  }

  async #work(first: AcpProcess): Promise<AgentExit> {
    for (let process = first; ; process = await this.#startProcess()) {
      const end = await this.#stretch(process);
      if (end === 'DONE') return { code: 0, signal: null };
      if (end === 'STOPPED' || !(await this.#rest(end))) return STOPPED;
    }
  }

  /** @returns whether it is to go on */
  async #rest(as: 'WAITING' | 'PAUSED'): Promise<boolean> {
    this.#isResting = true;
    this.#isResumed = false;
    await this.#conversation.rest(as);
    this.#isPausing = false;
    this.#rested.resolve();
    this.#rested = Promise.withResolvers();
    while (!this.#isResumed && !this.#isStopping)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    // Before anything is waited for: from here on it can be stopped and paused again.
    this.#halt = new AbortController();
    this.#isResting = false;
    if (this.#isStopping) return false;
    await this.#conversation.goOn();
    return !this.#isStopping;
  }

  async #stretch(process: AcpProcess): Promise<End> {
    const { signal } = this.#halt;
    try {
      const session = await this.#openSession(process);
      this.#session = session;
      let next: Prompt | End | null = await this.#first(session);
      while (typeof next !== 'string')
        next = await this.#next(process, next && (await this.#tell(process, session, next)));
      return next;
    } catch (error) {
      // Whatever an agent does that is cut off, it fails nothing.
      if (!signal.aborted && !this.#isCut) throw error;
      return this.#isStopping ? 'STOPPED' : 'PAUSED';
    } finally {
      this.#session = undefined;
      this.#isCut = false;
      await process.end(this.#graceMs);
      // What it still said at its end.
      await this.#log.endTurn();
    }
  }

  async #openSession(process: AcpProcess): Promise<AcpSession> {
    const { mcpServer, clientVersion } = this.#conversation;
    const env = Object.entries(mcpServer.env).map(([name, value]) => ({ name, value }));
    const session = await openSession({
      process,
      log: this.#log,
      profile: this.#profile,
      cwd: this.#start.cwd,
      mcpServer: { ...mcpServer, args: [...mcpServer.args], env },
      resume: this.#sessionId,
      clientVersion,
      signal: this.#halt.signal,
    });
    this.#sessionId = session.id;
    await this.#conversation.onSession(session.id);
    return session;
  }

  /** What a process is told first; null: nothing. */
  async #first(session: AcpSession): Promise<Prompt | End | null> {
    const { task } = this.#conversation;
    const { isFinishing, messages } = await this.#news();
    if (isFinishing) return 'DONE';
    const told = session.isNew ? this.#transcript.told() : [];
    if (told.length > 0)
      await this.#log.add(entry('SYSTEM', 'A new session begins. It is told what was said so far.'));
    if (this.#prompts === 0) return opening(task, { told, messages });
    // Who only watches has nothing to be told when there is nothing new.
    if (task.role === 'RED_TEAM' && messages.length === 0 && told.length === 0) return null;
    return onward(task, { told, messages });
  }

  /** What comes after a turn. */
  async #next(process: AcpProcess, ended: StopReason | null): Promise<Prompt | End> {
    const { task } = this.#conversation;
    for (;;) {
      const { isFinishing, messages } = await this.#news();
      if (isFinishing) return 'DONE';
      if (this.#isStopping) return 'STOPPED';
      const isLastTurn = task.role === 'WORK' && this.#rounds >= task.autonomousLoop && ended !== 'cancelled';
      if (this.#isPausing && (messages.length > 0 || !isLastTurn)) return 'PAUSED';
      if (messages.length > 0) return delivery(messages);
      if (task.role === 'SUPERVISOR') return 'WAITING';
      if (task.role === 'WORK') {
        if (ended === 'refusal')
          throw new AgentFailure(
            'The agent refused to go on. What it said last tells why; change the plan, or give it to another agent.',
          );
        if (this.#rounds >= task.autonomousLoop) return 'DONE';
        this.#rounds += 1;
        return nextRound(this.#rounds, task.autonomousLoop);
      }
      const output = await this.#watch(process);
      if (output) return output;
    }
  }

  async #news(): Promise<{ isFinishing: boolean; messages: readonly InboxMessage[] }> {
    this.#isNotified = false;
    const { isFinishing, messages } = await this.#conversation.server.betweenTurns(this.#halt.signal);
    return { isFinishing, messages: [...this.#untold, ...messages] };
  }

  /** @returns null when there may be something else to tell first */
  async #watch(process: AcpProcess): Promise<Prompt | null> {
    if (this.#isNotified) return null;
    const idle = new AbortController();
    this.#idle = idle;
    const signal = AbortSignal.any([this.#halt.signal, idle.signal]);
    const gone = process.exited.then((exit) => {
      throw new AgentFailure(`${process.command} ${exitText(exit)} while it was waiting for output.`);
    });
    try {
      const output = await Promise.race([this.#conversation.server.watch(this.#watchedUpTo, signal), gone]);
      this.#watchedUpTo = output.upToSequence;
      return watched(output);
    } catch (error) {
      if (idle.signal.aborted && !this.#halt.signal.aborted) return null;
      throw error;
    } finally {
      idle.abort();
      gone.catch(() => undefined);
      this.#idle = undefined;
    }
  }

  /** Tells the agent something, and waits for the end of its turn. */
  async #tell(process: AcpProcess, session: AcpSession, prompt: Prompt): Promise<StopReason> {
    const { meter } = this.#log;
    const { onUsage, server } = this.#conversation;
    this.#prompts += 1;
    await this.#log.add(...promptEntries(prompt, this.#prompts));
    const startedAt = Date.now();
    const before = meter.total.costUsd;
    const turn = session.prompt(prompt.parts);
    this.#turn = turn.catch(() => undefined);
    this.#untold = [];
    const acknowledged = prompt.upTo ? server.acknowledge(prompt.upTo, this.#halt.signal) : Promise.resolve();
    // A server that is away keeps nobody from working: it is waited for after the turn.
    acknowledged.catch(() => undefined);
    try {
      const response = await turn;
      meter.turnUsed(response);
      onUsage(meter.total);
      await this.#log.endTurn();
      const used = { costUsd: meter.total.costUsd - before, durationMs: Date.now() - startedAt };
      await this.#log.add(turnEntry(response.stopReason, used));
      await acknowledged;
      return response.stopReason;
    } catch (error) {
      throw turnFailure(process.command, error);
    } finally {
      this.#turn = undefined;
      this.#pending.cancelAll();
    }
  }
}
