import type { TaskmeshClient } from '../client/client.ts';
import type { UnreachableError } from '../client/errors.ts';
import { follow } from '../client/follow.ts';
import { ContractEventsDocument, type ContractEventsSubscription } from '../client/generated/graphql.ts';

export type LogEvent = ContractEventsSubscription['contractEvents'];
export type OutputEvent = Extract<LogEvent, { __typename: 'OutputEntry' }>;

export interface LogOptions {
  readonly afterSequence?: number;
  readonly signal?: AbortSignal;
  readonly onRetry?: (error: UnreachableError) => void;
}

/** A contract's log, from a position on, going on over cut connections until the signal aborts. */
export async function* contractLog(
  client: TaskmeshClient,
  contractId: string,
  options: LogOptions,
): AsyncGenerator<LogEvent, void, undefined> {
  const { afterSequence, ...rest } = options;
  const variables = afterSequence === undefined ? { contractId } : { contractId, afterSequence };
  const results = follow(client, ContractEventsDocument, variables, {
    ...rest,
    sequenceOf: (result) => result.contractEvents.sequence,
  });
  for await (const { contractEvents } of results) yield contractEvents;
}

/**
 * What a task has said, read from the contract's log. It ends at the last entry that the log had when it began, or,
 * with `follow`, when the task completes: its completion comes after the last of its output.
 */
export async function* taskOutput(
  client: TaskmeshClient,
  position: { taskId: string; contractId: string; lastSequence: number; completed: boolean },
  options: { follow: boolean } & LogOptions,
): AsyncGenerator<OutputEvent, void, undefined> {
  const { follow: goOn, ...rest } = options;
  const toTheEndOfNow = !goOn || position.completed;
  const from = rest.afterSequence ?? 0;
  if (toTheEndOfNow && from >= position.lastSequence) return;
  for await (const event of contractLog(client, position.contractId, { ...rest, afterSequence: from })) {
    if (event.__typename === 'OutputEntry' && event.task.id === position.taskId) yield event;
    if (toTheEndOfNow ? event.sequence >= position.lastSequence : endsTask(event, position)) return;
  }
}

/** An earlier completion, of a task that was started again since, lies before the position. */
function endsTask(event: LogEvent, position: { taskId: string; lastSequence: number }): boolean {
  return (
    event.__typename === 'TaskCompletedEvent' &&
    event.task.id === position.taskId &&
    event.sequence > position.lastSequence
  );
}
