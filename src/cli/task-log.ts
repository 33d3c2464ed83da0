import type { TaskmeshClient } from '../client/client.ts';
import type { UnreachableError } from '../client/errors.ts';
import { follow } from '../client/follow.ts';
import {
  ContractEventsDocument,
  type ContractEventsSubscription,
  TaskOutputDocument,
  type TaskOutputQuery,
} from '../client/generated/graphql.ts';
import type { Api } from './api.ts';

export type LogEvent = ContractEventsSubscription['contractEvents'];
export type OutputEvent = Extract<LogEvent, { __typename: 'OutputEntry' }>;

export interface LogOptions {
  readonly afterSequence?: number;
  readonly signal?: AbortSignal;
  readonly onRetry?: (error: UnreachableError) => void;
}

/** A task's place in the log of its contract, as it was when it was asked for. */
export interface LogPosition {
  readonly taskId: string;
  readonly contractId: string;
  readonly lastSequence: number;
}

/** Enough that a long output takes few requests, few enough that an answer stays small. */
const PAGE = 500;

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
 * What a task had said up to the position, page by page. It ends there, also while the task goes on talking faster
 * than the pages are read.
 */
export async function* storedOutput(
  api: Api,
  { taskId, lastSequence }: LogPosition,
  afterSequence: number,
): AsyncGenerator<OutputEvent, void, undefined> {
  let after: string | null = String(afterSequence);
  // The server refuses a position behind the end of the log.
  if (afterSequence >= lastSequence) return;
  while (after !== null) {
    const { taskOutput }: TaskOutputQuery = await api.call(TaskOutputDocument, {
      taskId,
      first: PAGE,
      after,
    });
    for (const entry of taskOutput.nodes) {
      if (entry.sequence > lastSequence) return;
      yield entry;
    }
    after = taskOutput.pageInfo.hasNextPage ? (taskOutput.pageInfo.endCursor ?? null) : null;
  }
}

/** What a task says from the position on, until it completes: its completion comes after the last of its output. */
export async function* liveOutput(
  api: Api,
  { taskId, contractId, lastSequence }: LogPosition,
  { afterSequence = 0, ...rest }: LogOptions,
): AsyncGenerator<OutputEvent, void, undefined> {
  const from = Math.max(afterSequence, lastSequence);
  for await (const event of contractLog(api.client, contractId, { ...rest, afterSequence: from })) {
    if (event.__typename === 'OutputEntry' && event.task.id === taskId) yield event;
    if (event.__typename === 'TaskCompletedEvent' && event.task.id === taskId) return;
  }
}
