import { z } from 'zod';
import type { OutputEntry } from '../../output.ts';
import { MessageJoiner } from './message-joiner.ts';
import { shortened, textOf } from './texts.ts';
import { ToolCalls } from './tool-calls.ts';
import { readUpdate, type SessionUpdate, type ToolCallUpdate } from './update-schema.ts';
import { UsageMeter } from './usage-meter.ts';

export interface SessionLogOptions {
  readonly append: (entries: OutputEntry[]) => Promise<void>;
  /** Told of each whole message of the agent. */
  readonly onSaid: (text: string) => void;
  readonly onUsage: (usage: UsageMeter['total']) => void;
}

/** The agent sends too much that is no message of the protocol. */
export class NoiseError extends Error {
  override readonly name = 'NoiseError';
}

const MAX_NOISE = 100;
const MAX_NOISE_CHARS = 2_000;

const BOXES: Readonly<Record<string, string>> = { completed: '[x]', in_progress: '[>]' };

/** Makes output entries of what an agent sends, over all of its processes and turns. */
export class SessionLog {
  readonly meter = new UsageMeter();
  readonly tools = new ToolCalls();
  /** The session whose updates are the agent's own; null: there is none yet. */
  sessionId: string | null = null;
  /** Whether what comes is the replay of a session that is being loaded. */
  isReplay = false;
  readonly #options: SessionLogOptions;
  readonly #joiner: MessageJoiner;
  #noise = 0;
  #plan = '';

  constructor(options: SessionLogOptions) {
    this.#options = options;
    this.#joiner = new MessageJoiner(options);
  }

  /** Takes the parameters of a `session/update`. @throws NoiseError when too many make no sense */
  async take(params: unknown): Promise<void> {
    let read: ReturnType<typeof readUpdate>;
    try {
      read = readUpdate(params);
    } catch (error) {
      if (!(error instanceof z.ZodError)) throw error;
      return this.noise(`An update that is not understood: ${z.prettifyError(error)}`);
    }
    if (!read || read.sessionId !== this.sessionId) return;
    if (this.isReplay) this.#skip(read.update);
    else await this.#log(read.update);
  }

  /** Logs something else, after what the agent was saying. */
  async add(...entries: OutputEntry[]): Promise<void> {
    await this.#joiner.end();
    if (entries.length > 0) await this.#options.append(entries);
  }

  /** A call of a tool that the person is asked about. @returns all that is known of it */
  async show(call: ToolCallUpdate): Promise<ToolCallUpdate> {
    await this.add(...this.tools.show(call));
    return this.tools.known(call);
  }

  /** Something that is no message of the protocol. @throws NoiseError when it becomes too much */
  async noise(line: string): Promise<void> {
    this.#noise += 1;
    if (this.#noise > MAX_NOISE) {
      throw new NoiseError(
        `The agent sent more than ${MAX_NOISE} lines that are no messages of the Agent Client Protocol. Is its command the one that speaks it?`,
      );
    }
    const content = `The agent sent what is no message of the protocol: ${shortened(line, MAX_NOISE_CHARS)}`;
    await this.add(entry('ERROR', content, { isError: true }));
  }

  /** The turn is over: what was open is closed. */
  async endTurn(): Promise<void> {
    await this.add(...this.tools.end());
  }

  /** A new process begins: what the last one sent does not count against it. */
  begin(): void {
    this.#noise = 0;
    this.#plan = '';
  }

  #skip(update: SessionUpdate): void {
    if (update.sessionUpdate === 'usage_update' && update.cost?.currency === 'USD')
      this.meter.isCostBefore(update.cost.amount);
  }

  async #log(update: SessionUpdate): Promise<void> {
    switch (update.sessionUpdate) {
      case 'agent_message_chunk':
        return this.#joiner.add('ASSISTANT', update.messageId ?? null, textOf(update.content));
      case 'agent_thought_chunk':
        return this.#joiner.add('THOUGHT', update.messageId ?? null, textOf(update.content));
      case 'tool_call':
      case 'tool_call_update': {
        const entries = this.tools.take(update);
        return entries.length > 0 ? this.add(...entries) : undefined;
      }
      case 'plan':
        return this.#logPlan(update.entries);
      case 'usage_update':
        if (update.cost?.currency !== 'USD') return;
        this.meter.sessionCosts(update.cost.amount);
        return this.#options.onUsage(this.meter.total);
      case 'current_mode_update':
        return this.add(entry('SYSTEM', `The agent is now in mode ${update.currentModeId}.`));
    }
  }

  async #logPlan(entries: readonly { content: string; status: string }[]): Promise<void> {
    const lines = entries.map(({ content, status }) => `${BOXES[status] ?? '[ ]'} ${content}`);
    const plan = shortened(`Plan:\n${lines.join('\n')}`, 20_000);
    if (plan === this.#plan) return;
    this.#plan = plan;
    await this.add(entry('SYSTEM', plan));
  }
}

/** An entry of now. */
export function entry(
  type: OutputEntry['type'],
  content: string,
  more: Partial<OutputEntry> = {},
): OutputEntry {
  return { type, content, createdAt: new Date().toISOString(), ...more };
}
