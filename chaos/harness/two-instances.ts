import { setTimeout as delay } from 'node:timers/promises';
import type { Api } from '../../test/support/api.ts';
import { openContract, spawn } from '../../test/support/daemon.ts';
import { insist } from './insist.ts';
import type { World } from './world.ts';

/** Somebody who writes through one instance without a pause, into the log of a contract that others write to as well. */
export interface Writer {
  readonly taskId: string;
  /** The lines that were acknowledged. */
  readonly ledger: string[];
}

/** Starts a writer at each of the instances, all of one contract. @returns them, and how to stop them */
export async function writeThrough(
  world: World,
  urls: readonly string[],
): Promise<{ contractId: string; writers: Writer[]; stop: () => Promise<void> }> {
  const api = world.api(urls[0]);
  // Of an agent that no real daemon offers.
  const daemon = await world.handDaemon(api, ['hand']);
  const { contractId } = await openContract(api, {
    agent: 'hand',
    repositories: [{ localPath: world.repository, isPrimary: true }],
    startSupervisor: false,
  });
  const over = new AbortController();
  const writers: Writer[] = [];
  const writing: Promise<void>[] = [];
  for (const url of urls) {
    const taskId = await spawn(api, contractId);
    await daemon.start(taskId);
    const writer = { taskId, ledger: [] };
    writers.push(writer);
    const clients = { daemon: world.api(url).as(daemon.api.key), owner: world.api(url) };
    writing.push(write(clients, contractId, writer, over.signal));
  }
  const stop = async () => {
    over.abort();
    await Promise.all(writing);
  };
  return { contractId, writers, stop };
}

async function write(
  { daemon, owner }: { daemon: Api; owner: Api },
  contractId: string,
  writer: Writer,
  signal: AbortSignal,
): Promise<void> {
  const { taskId, ledger } = writer;
  const patience = { withinMs: 600_000, timeoutMs: 5_000 };
  while (!signal.aborted) {
    const contents = Array.from({ length: 5 }, (_, index) => `line ${ledger.length + index}`);
    const entries = contents.map((content) => ({
      type: 'STDOUT',
      content,
      createdAt: new Date().toISOString(),
    }));
    const input = { taskId, attempt: 1, firstIndex: ledger.length, entries };
    await insist(daemon, 'appendTaskOutput', input, 'nextIndex', patience);
    ledger.push(...contents);
    // Of several statements, among them one on the counter of the log, which all writers need.
    const document = {
      contractId,
      name: taskId,
      content: String(ledger.length),
      requestId: `${taskId} ${ledger.length}`,
    };
    await insist(owner, 'setDocument', document, '__typename', patience);
    await delay(1);
  }
}

/** Compares what was acknowledged with what is there. */
export async function checkWritten(world: World, writers: readonly Writer[]): Promise<void> {
  for (const { taskId, ledger } of writers) {
    const output = await world.outputOf(taskId);
    world.verdict.sameList(
      `output of ${taskId}`,
      ledger,
      output.map(({ content }) => content),
    );
  }
  await world.checkSequences();
}
