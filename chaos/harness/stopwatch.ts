import { TaskmeshClient } from '../../src/client/client.ts';
import { follow } from '../../src/client/follow.ts';
import { ContractEventsDocument } from '../../src/client/generated/graphql.ts';
import { type Api, eventually } from '../../test/support/api.ts';
import { onEnd } from '../../test/support/cleanup.ts';
import type { World } from './world.ts';

/** A subscriber that measures how long after its acknowledgement each line arrives. */
export class Stopwatch {
  readonly contents: string[] = [];
  interruptions = 0;
  readonly #world: World;
  readonly #acknowledgedAt = new Map<string, number>();
  readonly #receivedAt = new Map<string, number>();

  constructor(world: World, api: Api, contractId: string) {
    this.#world = world;
    const over = new AbortController();
    const client = new TaskmeshClient({ url: api.url, key: String(api.key) });
    const options = {
      sequenceOf: (result: { contractEvents: { sequence: number } }) => result.contractEvents.sequence,
      signal: over.signal,
      onRetry: () => void (this.interruptions += 1),
    };
    const following = (async () => {
      const variables = { contractId, afterSequence: 0 };
      for await (const { contractEvents: event } of follow(
        client,
        ContractEventsDocument,
        variables,
        options,
      )) {
        if (!('content' in event)) continue;
        this.contents.push(event.content);
        this.#receivedAt.set(event.content, performance.now());
      }
    })();
    onEnd(async () => {
      over.abort();
      await Promise.all([following, client.close()]);
    });
  }

  acknowledged(content: string): void {
    this.#acknowledgedAt.set(content, performance.now());
  }

  /** Waits for all lines, and tells the verdict how long the slowest took. */
  async untilAllDelivered(contents: readonly string[], limitMs: number): Promise<void> {
    await eventually(() => this.contents.length >= contents.length, 60_000).catch(() => undefined);
    for (const content of contents) {
      const receivedAt = this.#receivedAt.get(content) ?? Number.POSITIVE_INFINITY;
      const acknowledgedAt = this.#acknowledgedAt.get(content) ?? 0;
      this.#world.verdict.recovered(`delivering ${content}`, receivedAt - acknowledgedAt, limitMs);
    }
  }
}
