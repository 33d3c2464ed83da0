import type { TaskmeshClient } from '../client/client.ts';
import { ApiError } from '../client/errors.ts';
import { follow } from '../client/follow.ts';
import { AgentWatchDocument, type AgentWatchSubscription } from '../client/generated/graphql.ts';
import type { WatchedOutput } from './agents/conversation.ts';

type Entry = AgentWatchSubscription['contractOutput'];

export interface WatchOptions {
  readonly client: TaskmeshClient;
  readonly contractId: string;
  readonly afterSequence: number;
  readonly signal: AbortSignal;
  /** How long a first entry waits for others to be told with it. Milliseconds, default 5,000. */
  readonly gatherMs?: number;
}

const GATHER_MS = 5_000;
const MAX_CHARS = 30_000;
const MAX_LINE_CHARS = 1_000;

/**
 * Waits for output of a contract's work tasks, and gathers what comes within a few seconds.
 * @throws the signal's reason when it aborts first
 */
export async function watchOutput(options: WatchOptions): Promise<WatchedOutput> {
  const { signal } = options;
  // Subscribed to for one batch only: while the agent reads it nothing piles up here.
  const full = new AbortController();
  const ends = AbortSignal.any([signal, full.signal]);
  const batch = new Batch();
  try {
    const entries = follow(
      options.client,
      AgentWatchDocument,
      { contractId: options.contractId, afterSequence: options.afterSequence },
      { sequenceOf: ({ contractOutput }) => contractOutput.sequence, signal: ends },
    );
    for await (const { contractOutput } of entries) {
      if (batch.isEmpty) setTimeout(() => full.abort(), options.gatherMs ?? GATHER_MS).unref();
      batch.add(contractOutput);
      if (batch.isFull) break;
    }
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'CURSOR_INVALID') throw error;
    return afterHole(options, error);
  } finally {
    full.abort();
  }
  signal.throwIfAborted();
  return batch.told();
}

/** A part of the log is gone: said, rather than passed over. @throws the refusal when that is not why */
function afterHole({ afterSequence }: WatchOptions, refusal: ApiError): WatchedOutput {
  const { pruned } = refusal.extensions;
  if (typeof pruned !== 'number' || pruned <= afterSequence) throw refusal;
  return {
    text: 'Output that came meanwhile is not kept any more: you have missed it.',
    upToSequence: pruned,
  };
}

/** Output as it is told: a header for each task, and the lines of it. */
class Batch {
  readonly #lines: string[] = [];
  #chars = 0;
  #task = '';
  #upTo = 0;

  get isEmpty(): boolean {
    return this.#upTo === 0;
  }

  get isFull(): boolean {
    return this.#chars >= MAX_CHARS;
  }

  add(entry: Entry): void {
    this.#upTo = entry.sequence;
    if (entry.task.id !== this.#task) {
      this.#task = entry.task.id;
      this.#push(`\n## Task ${entry.task.name} (${entry.task.id})`);
    }
    for (const line of linesOf(entry)) this.#push(line);
  }

  told(): WatchedOutput {
    const text = `What the work tasks of the contract have said:\n${this.#lines.join('\n')}`;
    return { text, upToSequence: this.#upTo };
  }

  #push(line: string): void {
    this.#lines.push(line);
    this.#chars += line.length + 1;
  }
}

const LABELS: Partial<Record<Entry['type'], string>> = {
  ASSISTANT: '',
  STDOUT: '',
  THOUGHT: '(thinks) ',
  USER: '(is told) ',
  TOOL_RESULT: '(result) ',
  RESULT: '(end) ',
};

function linesOf(entry: Entry): string[] {
  const label = LABELS[entry.type] ?? `(${entry.type.toLowerCase().replaceAll('_', ' ')}) `;
  const input = entry.type === 'TOOL_CALL' && entry.toolInput ? ` ${JSON.stringify(entry.toolInput)}` : '';
  // A single entry may not fill the batch: the agent reads the rest with task_output where it matters.
  const text = cut(`${label}${entry.content}${input}`, MAX_CHARS / 3);
  return text.split('\n').map((line) => cut(line, MAX_LINE_CHARS));
}

function cut(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  return `${text.slice(0, maxChars).replace(/[\uD800-\uDBFF]$/, '')} […]`;
}
