import { expect, test } from 'vitest';
import { TaskmeshClient } from '../../src/client/client.ts';
import { follow } from '../../src/client/follow.ts';
import { ContractEventsDocument } from '../../src/client/generated/graphql.ts';
import { logEvent } from '../../src/events/append.ts';
import type { Id } from '../../src/platform/ids.ts';
import { toUuid } from '../../src/platform/ids.ts';
import type { Runtime } from '../../src/platform/runtime.ts';
import { transact } from '../../src/platform/transaction.ts';
import type { RunningServer } from '../../src/server/server.ts';
import { Api, eventually, Subscription } from '../support/api.ts';
import { HandDaemon } from '../support/daemon.ts';
import { embedded } from '../support/database.ts';
import { CuttingProxy } from '../support/proxy.ts';
import { LossyDoorbell, randomOf } from '../support/random.ts';
import { numbered, type RunningTask, runningTask } from '../support/running-task.ts';
import { startTestServer } from '../support/server.ts';
import { SseSubscription } from '../support/sse.ts';

const { api, server, another } = await startTestServer({
  logLevel: 'silent',
  doorbell: (doorbell) => new LossyDoorbell(doorbell),
});
// The embedded database has one instance; PostgreSQL two, and what one writes the other's subscribers get.
const servers = embedded ? [server] : [server, await another()];
const daemon = await HandDaemon.connect(api, { max: 100 });

test('a subscriber that is cut again and again and resumes with its cursor misses nothing and gets nothing twice', async () => {
  const { contractId, taskId } = await runningTask(api, daemon);
  const proxy = await CuttingProxy.open(server.url);
  const client = new TaskmeshClient({ url: proxy.url, key: String(api.key) });
  const over = new AbortController();
  const received: { sequence: number; content: string | undefined }[] = [];
  let cuts = 0;
  const following = (async () => {
    const sequenceOf = (result: { contractEvents: { sequence: number } }) => result.contractEvents.sequence;
    const options = { sequenceOf, signal: over.signal, onRetry: () => void (cuts += 1) };
    for await (const { contractEvents: event } of follow(
      client,
      ContractEventsDocument,
      { contractId, afterSequence: 0 },
      options,
    )) {
      received.push({ sequence: event.sequence, content: 'content' in event ? event.content : undefined });
    }
  })();
  const lines = numbered('line', 400);
  for (let first = 0; first < lines.length; first += 20) {
    const before = received.length;
    await daemon.append(taskId, 1, first, lines.slice(first, first + 20));
    // Now in the middle of what is delivered, now after it.
    if (first % 100 === 0) await eventually(() => received.length > before);
    if (first % 40 === 0) await eventually(() => proxy.cut());
  }
  await eventually(() => received.at(-1)?.content === lines.at(-1));
  over.abort();
  await following;
  await client.close();
  await proxy.close();
  expect(cuts).toBeGreaterThanOrEqual(8);
  expect(received.map(({ sequence }) => sequence)).toEqual(received.map((_, index) => index + 1));
  expect(received.flatMap(({ content }) => content ?? [])).toEqual(lines);
});

interface Entry {
  readonly sequence: number;
  readonly content?: string;
}

const EVENTS =
  'subscription($id: ID!, $after: Int) { contractEvents(contractId: $id, afterSequence: $after) { sequence ... on OutputEntry { content } } }';

/** Transactions of each writer: all together about 2,700 events, more than the tail keeps in memory. */
const ROUNDS = 48 / servers.length;

/** Appends in transactions of its own, of which some are rolled back after their rows were written. */
async function write(
  runtime: Runtime,
  { contractId, taskId }: RunningTask,
  name: string,
  random: () => number,
): Promise<string[]> {
  const committed: string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const rollsBack = random() < 0.25;
    const contents = numbered(
      `${rollsBack ? 'never' : name} ${round}`,
      1 + Math.floor(random() * (random() < 0.2 ? 300 : 20)),
    );
    await transact(runtime, async (tx) => {
      for (const content of contents) {
        const data = {
          attempt: 1,
          role: 'WORK',
          type: 'STDOUT' as const,
          content,
          createdAt: tx.now.toISOString(),
        };
        logEvent(tx, contractId as Id<'contract'>, { type: 'OUTPUT', taskId, data });
      }
      tx.beforeCommit({}, async () => {
        if (random() < 0.3) await tx.em.execute('select 1');
        if (rollsBack) throw new Error('rolled back on purpose');
      });
    }).catch((error: Error) => {
      if (error.message !== 'rolled back on purpose') throw error;
    });
    if (!rollsBack) committed.push(...contents);
    if (random() < 0.5) await new Promise((resolve) => setTimeout(resolve, random() * 12));
  }
  return committed;
}

/** Comes to a server with a cursor, takes some, and goes: with a goodbye or without. @returns what it got after which cursor */
async function read(
  at: RunningServer,
  contractId: string,
  after: number,
  random: () => number,
  over: () => boolean,
): Promise<{ after: number; got: Entry[] }> {
  const client = new Api(at.url, api.key);
  const variables = { id: contractId, after };
  // Over WebSocket they are executed together where they stand at the same place, over SSE each for itself.
  const reader =
    random() < 0.3 ? new SseSubscription(client, EVENTS, variables) : client.subscribe(EVENTS, variables);
  const wanted = Math.floor(random() ** 2 * 1_500);
  await eventually(() => reader.received.length >= wanted || over() || reader.done);
  expect(reader.ended, `a reader after ${after}`).toBeUndefined();
  const got = [...reader.received];
  if (reader instanceof Subscription && got.length > 0 && random() < 0.5) reader.cut();
  else reader.stop();
  return { after, got };
}

/** Ends the connections on which instances hear each other. */
async function killListeners(): Promise<void> {
  await server.runtime.db
    .fork()
    .execute(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'taskmesh doorbell' and datname = current_database()",
    );
}

async function logOf(contractId: string): Promise<Entry[]> {
  const rows: { sequence: number; content: string | null }[] = await server.runtime.db
    .fork()
    .execute(
      `select sequence, data->>'content' as content from contract_event where contract_id = '${toUuid(contractId as Id)}' order by sequence`,
    );
  return rows.map(({ sequence, content }) => (content === null ? { sequence } : { sequence, content }));
}

/** On the one connection of the embedded database transactions never overlap: chance has little to choose there. */
const SEEDS = embedded ? [1] : [1, 2, 3];

test.each(SEEDS)(
  'whatever writers, rollbacks, lost rings and killed listeners do, every reader gets the log as it is (seed %i)',
  async (seed) => {
    const random = randomOf(seed);
    const task = await runningTask(api, daemon);
    const { contractId } = task;
    const from0 = servers.map((each) =>
      new Api(each.url, api.key).subscribe(EVENTS, { id: contractId, after: 0 }),
    );
    LossyDoorbell.random = random;
    LossyDoorbell.loss = 0.3;
    let writing = true;
    const readings: { after: number; got: Entry[] }[] = [];
    const readers = Array.from({ length: 3 }, async () => {
      while (writing) {
        const at = servers[Math.floor(random() * servers.length)] as RunningServer;
        const seen = from0[0]?.received.length ?? 0;
        readings.push(await read(at, contractId, Math.floor(random() * (seen + 1)), random, () => !writing));
      }
    });
    const killer = async () => {
      while (writing) {
        await new Promise((resolve) => setTimeout(resolve, 150 + random() * 300));
        await killListeners();
      }
    };
    const killing = embedded ? Promise.resolve() : killer();
    const writers = servers.flatMap((each, index) =>
      ['a', 'b'].map((name) => write(each.runtime, task, `${name}${index}`, random)),
    );
    const committed = await Promise.all(writers);
    writing = false;
    const log = await logOf(contractId);
    const last = log.length;
    for (const reader of from0) await reader.until((received) => received.length >= last);
    await Promise.all([...readers, killing]);
    LossyDoorbell.loss = 0;

    expect(log.map(({ sequence }) => sequence)).toEqual(log.map((_, index) => index + 1));
    expect(log.filter(({ content }) => content?.startsWith('never'))).toEqual([]);
    for (const contents of committed) {
      const writer = contents[0]?.split(' ')[0];
      expect(log.flatMap(({ content }) => (content?.split(' ')[0] === writer ? [content] : []))).toEqual(
        contents,
      );
    }
    for (const [index, reader] of from0.entries()) {
      expect(reader.received, `from the start, at instance ${index}, seed ${seed}`).toEqual(log);
      reader.stop();
    }
    expect(readings.length).toBeGreaterThan(3);
    for (const { after, got } of readings)
      expect(got, `after ${after}, seed ${seed}`).toEqual(log.slice(after, after + got.length));
  },
);
