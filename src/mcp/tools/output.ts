import { z } from 'zod';
import {
  type OutputDetailsFragment,
  TaskOutputDocument,
  TaskPositionDocument,
} from '../../client/generated/graphql.ts';
import { latestOutput, OUTPUT_PAGE, type OutputPage } from '../../client/latest-output.ts';
import type { Call } from '../call.ts';
import { EXCERPT_CHARS, shortened } from '../excerpt.ts';
import { ROLES, tool } from '../tool.ts';
import { TASK_ID } from './tasks.ts';

const ENTRY_CHARS = 2_000;
const LATEST = 50;

export const taskOutput = tool({
  name: 'task_output',
  title: 'Read what a task said',
  description:
    'Reads what the agent of a task said and did, in order: its words, its calls of tools and what came of them, its lines of output. Without after: the last entries. With after: what follows that sequence, from 0 on all of it; go on with nextAfter.',
  roles: ROLES,
  effect: 'reads',
  input: z.object({
    taskId: TASK_ID,
    after: z.int().min(0).optional().describe('Only what follows this sequence; 0: from the beginning.'),
    last: z.int().min(1).max(OUTPUT_PAGE).default(LATEST).describe('Without after: how many entries.'),
    maxCharsPerEntry: z
      .int()
      .min(100)
      .max(EXCERPT_CHARS)
      .default(ENTRY_CHARS)
      .describe('Where a long entry is cut.'),
  }),
  async run({ taskId, after, last, maxCharsPerEntry }, call) {
    const { task } = await call.ask(TaskPositionDocument, { id: taskId });
    const page = pageOf(call, taskId);
    const end = task.contract.lastSequence;
    const entries =
      after === undefined
        ? await latestOutput(page, end, last)
        : // The server refuses a position behind the end of the log.
          after >= end
          ? []
          : (await page(OUTPUT_PAGE, after)).entries;
    const shown = fitting(joined(entries), maxCharsPerEntry, after === undefined);
    const nextAfter = shown.at(-1)?.upTo ?? after ?? end;
    return {
      data: {
        taskId,
        name: task.name,
        status: task.status,
        entries: shown.map(({ upTo: _, ...entry }) => entry),
        nextAfter,
        hint: shown.length < 1 ? 'There is nothing more so far.' : null,
      },
    };
  },
});

function pageOf(call: Call, taskId: string): OutputPage {
  return async (first, after) => {
    const variables = { taskId, first, after: String(after) };
    const { taskOutput } = await call.ask(TaskOutputDocument, variables);
    return { entries: taskOutput.nodes, hasMore: taskOutput.pageInfo.hasNextPage };
  };
}

interface Said {
  readonly sequence: number;
  readonly type: string;
  readonly text: string;
  /** The last entry that is in it. */
  readonly upTo: number;
}

/** The chunks of one message as one; a question is told by list_questions. */
function joined(entries: readonly OutputDetailsFragment[]): Said[] {
  const said: (Said & { messageId: string | null })[] = [];
  for (const entry of entries) {
    const { sequence, outputType: type, toolName, content } = entry;
    const messageId = entry.messageId ?? null;
    const before = said.at(-1);
    if (before && messageId !== null && before.messageId === messageId && before.type === type) {
      said[said.length - 1] = { ...before, text: before.text + content, upTo: sequence };
    } else {
      const text = type === 'TOOL_CALL' && toolName ? `${toolName} ${content}` : content;
      said.push({
        sequence,
        type: entry.isError ? `${type} (failed)` : type,
        text,
        upTo: sequence,
        messageId,
      });
    }
  }
  return said.map(({ messageId: _, ...entry }) => entry);
}

/** As many as fit into one result: the first of them, or the last. */
function fitting(said: readonly Said[], maxChars: number, fromEnd: boolean): Said[] {
  const cut = said.map((entry) => ({
    ...entry,
    text: shortened(entry.text, maxChars, `maxCharsPerEntry shows more of it, after: ${entry.sequence - 1}`),
  }));
  const fit: Said[] = [];
  let room = EXCERPT_CHARS;
  for (const entry of fromEnd ? cut.toReversed() : cut) {
    room -= entry.text.length + 40;
    if (room < 0 && fit.length > 0) break;
    fit.push(entry);
  }
  return fromEnd ? fit.toReversed() : fit;
}
