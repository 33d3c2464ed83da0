import type { OutputEntry } from '../../output.ts';
import { isBlank, loggedInput, resultText, shortened } from './texts.ts';
import type { ToolCallUpdate } from './update-schema.ts';

interface ToolCall {
  update: ToolCallUpdate;
  readonly startedAt: number;
  isLogged: boolean;
  /** Whether the agent has told of it, and not only asked for permission. */
  isTold: boolean;
}

const MAX_TITLE_CHARS = 2_000;
/** An agent that never ends its calls must not fill our memory. */
const MAX_OPEN = 1_000;
const MAX_REMEMBERED = 10_000;

/**
 * The tool calls of a turn: one TOOL_CALL and one TOOL_RESULT each, of however many updates an agent makes
 * them. A call is logged once its input is known, since agents announce a call before they have written that.
 */
export class ToolCalls {
  readonly #open = new Map<string, ToolCall>();
  /** Calls of this turn that are over: what an agent still says about them changes nothing. */
  readonly #over = new Set<string>();
  #idle = Promise.withResolvers<void>();

  /** The entries that an update gives rise to. */
  take(update: ToolCallUpdate): OutputEntry[] {
    if (this.#over.has(update.toolCallId)) return [];
    const call = this.#callOf(update);
    call.isTold = true;
    const { status, rawInput } = call.update;
    const isOver = status === 'completed' || status === 'failed';
    const entries: OutputEntry[] = [];
    if (isOver || status === 'in_progress' || !isBlank(rawInput)) entries.push(...this.#begin(call));
    if (isOver) entries.push(this.#result(call, status === 'failed'));
    return entries;
  }

  /** A call that the person is about to be asked about: from now on it is in the log. */
  show(update: ToolCallUpdate): OutputEntry[] {
    return this.#begin(this.#callOf(update));
  }

  /** What is known of a call. */
  known(update: ToolCallUpdate): ToolCallUpdate {
    const call = this.#open.get(update.toolCallId);
    return call ? merged(call.update, update) : update;
  }

  /** The turn is over, and with it every call that is still open. */
  end(): OutputEntry[] {
    const entries = [...this.#open.values()].flatMap((call) => [...this.#begin(call), ...this.#cutOff(call)]);
    this.#over.clear();
    return entries;
  }

  get isAnyOpen(): boolean {
    return this.#open.size > 0;
  }

  /** Resolves when no call is open. */
  idle(): Promise<void> {
    return this.isAnyOpen ? this.#idle.promise : Promise.resolve();
  }

  #callOf(update: ToolCallUpdate): ToolCall {
    let call = this.#open.get(update.toolCallId);
    if (call) call.update = merged(call.update, update);
    else {
      call = { update, startedAt: Date.now(), isLogged: false, isTold: false };
      const [oldest] = this.#open.keys();
      if (this.#open.size >= MAX_OPEN && oldest !== undefined) this.#open.delete(oldest);
      this.#open.set(update.toolCallId, call);
    }
    return call;
  }

  #begin(call: ToolCall): OutputEntry[] {
    if (call.isLogged) return [];
    call.isLogged = true;
    const content = shortened(call.update.title ?? toolName(call.update), MAX_TITLE_CHARS);
    return [{ ...entry('TOOL_CALL', call.update), content, toolInput: loggedInput(call.update) }];
  }

  /** Of one that was only asked about nobody knows how it went. */
  #cutOff(call: ToolCall): OutputEntry[] {
    const result = this.#result(call, true);
    return call.isTold ? [{ ...result, content: 'The turn ended before this did.' }] : [];
  }

  #result(call: ToolCall, isError: boolean): OutputEntry {
    this.#open.delete(call.update.toolCallId);
    if (this.#over.size < MAX_REMEMBERED) this.#over.add(call.update.toolCallId);
    if (!this.isAnyOpen) {
      this.#idle.resolve();
      this.#idle = Promise.withResolvers();
    }
    const durationMs = Date.now() - call.startedAt;
    return { ...entry('TOOL_RESULT', call.update), content: resultText(call.update), isError, durationMs };
  }
}

/** How a tool is called in the log. */
export function toolName({ name, kind }: ToolCallUpdate): string {
  return (name ?? kind ?? 'tool').slice(0, 200);
}

function entry(type: OutputEntry['type'], update: ToolCallUpdate): OutputEntry {
  return { type, content: '', toolName: toolName(update), createdAt: new Date().toISOString() };
}

/** What an update leaves out stays as it was. */
function merged(before: ToolCallUpdate, update: ToolCallUpdate): ToolCallUpdate {
  const given = Object.entries(update).filter(([, value]) => value !== undefined && value !== null);
  return { ...before, ...Object.fromEntries(given) };
}
