import { TaskmeshClient } from '../../src/client/client.ts';
import { follow } from '../../src/client/follow.ts';
import { ContractEventsDocument } from '../../src/client/generated/graphql.ts';
import type { World } from './world.ts';

export interface Reader {
  /** Of all events it was given, in the order in which they came. */
  readonly sequences: number[];
  /** What the lines of output among them said. */
  readonly contents: string[];
  readonly done: Promise<void>;
}

/** A subscriber to a contract's log from its beginning that comes back with its cursor after each cut. */
export function readFrom(world: World, url: string, contractId: string, signal: AbortSignal): Reader {
  const client = new TaskmeshClient({ url, key: String(world.api().key) });
  const sequences: number[] = [];
  const contents: string[] = [];
  const run = async () => {
    const sequenceOf = (result: { contractEvents: { sequence: number } }) => result.contractEvents.sequence;
    const variables = { contractId, afterSequence: 0 };
    for await (const { contractEvents: event } of follow(client, ContractEventsDocument, variables, {
      sequenceOf,
      signal,
    })) {
      sequences.push(event.sequence);
      if ('content' in event) contents.push(event.content);
    }
    await client.close();
  };
  return { sequences, contents, done: run() };
}
