import type { EventOf } from '../events/event-types.ts';
import { assertNotPruned, logBounds, readEvents } from '../events/read.ts';
import { builder } from '../graphql/builder.ts';
import { connectionOf, type Page, toConnection } from '../graphql/connection.ts';
import { authorize } from '../keys/permissions.ts';
import { invalidInput } from '../platform/errors.ts';
import type { Operation } from '../platform/runtime.ts';
import { boundedInt } from '../platform/text.ts';
import { findTask } from './task.access.ts';
import { OutputEntryType } from './task.events.ts';

type Output = EventOf<'OUTPUT'> & { readonly id: string };

interface OutputArguments {
  readonly taskId: string;
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

/** A task's stored output, in order. A cursor is a sequence of the contract's log. */
async function listOutput(op: Operation, { taskId, first, after }: OutputArguments): Promise<Page<Output>> {
  authorize(op.principal, 'read');
  const task = await findTask(op.em, op.principal, taskId);
  const limit = boundedInt(first ?? 200, 'first', 1, 2_000);
  const position = after ? Number(after) : 0;
  const bounds = await logBounds(op.em, task.contractId);
  if (!Number.isInteger(position) || position < 0 || position > bounds.last) {
    throw invalidInput('after', 'after is not a cursor of this connection.');
  }
  const filter = { types: ['OUTPUT'] as const, taskId: task.id };
  const events = (await readEvents(
    op.em,
    task.contractId,
    position,
    limit + 1,
    filter,
  )) as EventOf<'OUTPUT'>[];
  assertNotPruned(await logBounds(op.em, task.contractId), position, 'after');
  return { items: events.map((event) => ({ ...event, id: String(event.sequence) })), limit };
}

const OutputConnection = connectionOf<Output>('OutputEntry', OutputEntryType as never);

builder.queryField('taskOutput', (t) =>
  t.field({
    type: OutputConnection,
    description:
      "A task's stored output, in order. For the owner and the contract's tasks. Output that was pruned, long after its contract ended, is never passed over: asking for it, as from the beginning, fails with CURSOR_INVALID, whose `extensions.pruned` is the cursor behind it.",
    args: {
      taskId: t.arg.id({ required: true, description: 'The task.' }),
      first: t.arg.int({ defaultValue: 200, description: 'How many, 1 to 2,000.' }),
      after: t.arg.string({ description: 'Those behind this cursor: the sequence of an entry.' }),
    },
    resolve: async (_, args, context) =>
      toConnection(await listOutput(context.operation(), args), args.after),
  }),
);
