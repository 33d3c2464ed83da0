import { z } from 'zod';
import {
  AcknowledgeMessagesDocument,
  InboxDocument,
  WaitForTasksDocument,
  type WaitForTasksQuery,
  type WaitMode,
} from '../../client/generated/graphql.ts';
import type { Call } from '../call.ts';
import { shortened } from '../excerpt.ts';
import { NoAnswerError } from '../failures.ts';
import { type Outcome, SUPERVISION, tool } from '../tool.ts';

const SUMMARY_CHARS = 2_000;

type Waited = WaitForTasksQuery['waitForTasks'];
type Message = { number: number; sender: string; content: string };

export const waitForTasks = tool({
  name: 'wait_for_tasks',
  title: 'Wait for tasks',
  description:
    'Waits until tasks have ended, and tells how each did. One call waits for less than a minute: done: false means that the time of the call is up and nothing else; call again. It also returns early when a message has come for you. Tasks that have ended already count at once: leave them out when you wait for the next.',
  roles: SUPERVISION,
  effect: 'reads',
  input: z.object({
    taskIds: z.array(z.string()).min(1).max(200).describe('The ids of the tasks to wait for.'),
    mode: z
      .enum(['ALL', 'ANY'])
      .default('ALL')
      .describe('ALL: until all have ended. ANY: until one has, to look at it while others go on.'),
    maxSeconds: z
      .int()
      .min(1)
      .optional()
      .describe('Wait no longer than this; left out: as long as one call may.'),
  }),
  async run({ taskIds, mode, maxSeconds }, call) {
    const { tasks, messages } = await first(call, taskIds, mode, maxSeconds);
    const completed = tasks.filter((task) => task.completed);
    const done =
      tasks.length > 0 && (mode === 'ANY' ? completed.length > 0 : completed.length === tasks.length);
    return {
      data: {
        done,
        tasks: tasks.map(stateOf),
        messages: messages.length > 0 ? messages.map(messageOf) : null,
        hint: hintFor(call, done, messages, completed.length > 0),
      },
      ...acknowledging(call, messages),
    };
  },
});

export const readMessages = tool({
  name: 'read_messages',
  title: 'Read messages to you',
  description:
    'Reads messages that have come for you since your turn began: words of the person, warnings of the red team, late answers. Each is given once. wait_for_tasks gives them too, and what you have not read when your turn ends you are told then.',
  roles: ['SUPERVISOR'],
  effect: 'reads',
  input: z.object({}),
  async run(_input, call) {
    const { inbox } = await call.ask(InboxDocument, { timeoutSeconds: 0 });
    return { data: { messages: inbox.map(messageOf) }, ...acknowledging(call, inbox) };
  },
});

/** What comes first: the tasks, or a message to who waits. A person who waits has no inbox. */
async function first(
  call: Call,
  taskIds: readonly string[],
  mode: WaitMode,
  maxSeconds: number | undefined,
): Promise<{ tasks: Waited; messages: Message[] }> {
  const ends = new AbortController();
  const wait = (seconds?: number) =>
    call
      .ask(
        WaitForTasksDocument,
        () => ({ taskIds: [...taskIds], mode, timeoutSeconds: seconds ?? call.secondsLeft(maxSeconds) }),
        ends.signal,
      )
      .then(({ waitForTasks }) => waitForTasks);
  const listen = async (): Promise<Message[]> => {
    if (call.identity.role !== 'SUPERVISOR') return new Promise(() => undefined);
    const variables = () => ({ timeoutSeconds: call.secondsLeft(maxSeconds) });
    const { inbox } = await call.ask(InboxDocument, variables, ends.signal);
    // Nothing has come within the time: then the tasks decide.
    return inbox.length > 0 ? inbox : new Promise(() => undefined);
  };
  const waiting = wait();
  const listening = listen();
  // The one that comes second is cut off, and refuses; nobody hears that.
  for (const either of [waiting, listening]) either.catch(() => undefined);
  try {
    const winner = await Promise.race([
      waiting.then((tasks) => ({ tasks })),
      listening.then((messages) => ({ messages })),
    ]);
    if ('tasks' in winner) return { tasks: winner.tasks, messages: [] };
    return { tasks: await Promise.race([waiting, wait(1)]), messages: winner.messages };
  } catch (error) {
    if (error instanceof NoAnswerError) return { tasks: [], messages: [] };
    throw error;
  } finally {
    ends.abort();
  }
}

function stateOf({ task, status, completed, outputSummary, errorMessage }: Waited[number]) {
  const hasFailed = status === 'FAILED' || status === 'CANCELLED';
  const how = 'show_task shows all of it';
  return {
    taskId: task.id,
    name: task.name,
    status,
    completed,
    summary: outputSummary && shortened(outputSummary, SUMMARY_CHARS, how),
    error: hasFailed && errorMessage ? shortened(errorMessage, SUMMARY_CHARS, how) : null,
  };
}

function messageOf({ sender, content }: Message) {
  return { from: sender, content };
}

function hintFor(call: Call, done: boolean, messages: readonly Message[], someCompleted: boolean): string {
  if (messages.length > 0) return 'A message has come: consider it, then wait on where that is still right.';
  if (done)
    return 'Look at what a task did (task_diff, task_output, read_file) before you merge it with merge_task.';
  const which = someCompleted ? 'with the ids of those that have not completed' : 'with the same arguments';
  const orElse = call.identity.role === 'SUPERVISOR' ? ', or end your turn: you are woken when one ends' : '';
  return `Not yet: the time of one call is up. Call wait_for_tasks again ${which}${orElse}.`;
}

/** Messages are given until they are acknowledged: what is cut off on its way to the model comes again. */
function acknowledging(call: Call, messages: readonly Message[]): Pick<Outcome, 'onDelivered'> {
  const last = messages.at(-1);
  if (!last) return {};
  const input = { upTo: last.number, asPrompt: false };
  return { onDelivered: () => call.afterwards(AcknowledgeMessagesDocument, { input }) };
}
