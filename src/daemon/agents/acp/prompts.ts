import type { SpawnTaskPayload } from '../../../platform/protocol.ts';
import type { InboxMessage, WatchedOutput } from '../conversation.ts';

/*
 * What an agent is told between its briefing, which comes from the server, and its end.
 */

type Told = SpawnTaskPayload['conversation'];

/** Something to be told to an agent. */
export interface Prompt {
  /** Its parts, in order. */
  readonly parts: readonly string[];
  /** What of it goes into the log; what was said in earlier sessions is there already. */
  readonly logged: string;
  /** The inbox's messages up to this number are in it. */
  readonly upTo?: number | undefined;
  /** The contract's output up to this place in the log is in it. */
  readonly upToSequence?: number | undefined;
}

const FROM: Readonly<Record<string, string>> = {
  PERSON: 'A message from the person',
  SUPERVISOR: 'A message from your supervisor',
  TASK: 'A message from another task',
  SYSTEM: 'A message from Taskmesh',
};

/** The first prompt of an agent, or of a session that knows nothing: then with what was said so far. */
export function opening(
  task: SpawnTaskPayload,
  { told, messages }: { told: Told; messages: readonly InboxMessage[] },
): Prompt {
  const beginning = [task.briefing || task.plan, task.recovery].filter(Boolean).join('\n\n');
  const parts = [beginning, ...retelling(told), ...messagesText(messages)];
  return {
    parts,
    logged: [beginning, ...messagesText(messages)].join('\n\n'),
    upTo: messages.at(-1)?.number,
  };
}

/** What an agent is told that goes on: its messages, or else that it may. */
export function onward(
  task: SpawnTaskPayload,
  { told, messages }: { told: Told; messages: readonly InboxMessage[] },
): Prompt {
  const news =
    messages.length > 0
      ? messagesText(messages)
      : ['You were paused and may go on now. Go on where you were.'];
  // A session that knows nothing has to be told everything.
  const before = told.length > 0 ? [task.briefing || task.plan, ...retelling(told)] : [];
  return { parts: [...before, ...news], logged: news.join('\n\n'), upTo: messages.at(-1)?.number };
}

/** The messages of the inbox. */
export function delivery(messages: readonly InboxMessage[]): Prompt {
  return said(messagesText(messages).join('\n\n'), messages.at(-1)?.number);
}

/** For an agent that ended its turn and did not say that it is done. */
export function nextRound(round: number, rounds: number): Prompt {
  return said(
    'You ended your turn without saying that the task is done. When it is done, or cannot be, call finish_task with a ' +
      `summary and end your turn. Otherwise go on with it. (Round ${round} of ${rounds}.)`,
  );
}

/** What those have said whom the agent watches. */
export function watched({ text, upToSequence }: WatchedOutput): Prompt {
  return { ...said(text), upToSequence };
}

/** Something said in so many words. */
export function said(text: string, upTo?: number): Prompt {
  return { parts: [text], logged: text, upTo };
}

/** What was said in earlier sessions, for one that knows nothing of it. */
function retelling(told: Told): string[] {
  if (told.length === 0) return [];
  const lines = told.map(({ role, content }) => `<${NAMES[role]}>\n${content}\n</${NAMES[role]}>`);
  const about =
    'This is a new session: the one before it is gone. What was said so far follows, oldest first. It has happened: do not answer it.';
  return [[about, ...lines, 'That was all that was said before.'].join('\n\n')];
}

const NAMES = { USER: 'told-to-you', ASSISTANT: 'said-by-you', SYSTEM: 'note' } as const;

function messagesText(messages: readonly InboxMessage[]): string[] {
  if (messages.length === 0) return [];
  const texts = messages.map(({ sender, content }) => `${FROM[sender] ?? 'A message'}:\n\n${content}`);
  return [texts.join('\n\n---\n\n')];
}
